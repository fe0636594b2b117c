package org.sinkstream.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.sinkstream.cli.experiment.CacheSizeExperiment;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Whether a larger cache helps. */
@Command(
    name = "cache-size",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description =
        "Perplexity with four sink tokens and caches of several sizes (Table 6 of the paper).")
final class ExperimentCacheSizeCommand implements Callable<Integer> {
  private final Streams streams;

  @Mixin private final ModelMixin model = new ModelMixin();
  @Mixin private final ScoredTextMixin text = new ScoredTextMixin();
  @Mixin private final SizesMixin sizes = new SizesMixin();
  @Mixin private final OutMixin out = new OutMixin();

  ExperimentCacheSizeCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws IOException {
    return out.run(
        streams,
        new CacheSizeExperiment(model.source(), text.text(), sizes.sizes(), model.chunk()));
  }
}
