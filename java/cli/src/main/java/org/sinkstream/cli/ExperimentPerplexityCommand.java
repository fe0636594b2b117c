package org.sinkstream.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.sinkstream.cli.experiment.PerplexityExperiment;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Perplexity against position. */
@Command(
    name = "perplexity",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Several policies over the same text: perplexity of all tokens so far, and of the newest ones,"
          + " against position (Figures 3 and 5 of the paper); memory and speed.",
      "The policies run one after the other."
    })
final class ExperimentPerplexityCommand implements Callable<Integer> {
  private final Streams streams;

  @Mixin private final ModelMixin model = new ModelMixin();
  @Mixin private final ScoredTextMixin text = new ScoredTextMixin();
  @Mixin private final OutMixin out = new OutMixin();
  @Mixin private final CachesMixin caches = new CachesMixin();

  @Option(
      names = "--window",
      paramLabel = "N",
      converter = WholeNumber.Window.class,
      description = "Tokens of the moving perplexity (default: ${DEFAULT-VALUE}).")
  private long window = 512;

  ExperimentPerplexityCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws IOException {
    return out.run(
        streams,
        new PerplexityExperiment(
            model.source(),
            text.text(),
            caches.policies(),
            Math.toIntExact(window),
            model.chunk()));
  }
}
