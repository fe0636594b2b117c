package org.sinkstream.cli;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import org.sinkstream.cli.experiment.StreamEvalExperiment;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Whether a model uses what its cache holds. */
@Command(
    name = "streameval",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "StreamEval as the paper describes it: an endless record of lines with a number each, and every"
          + " ten lines a query about one that is twenty lines back (section 4.4), or further (Table 7).",
      "It takes a model that answers questions: a small one runs, and scores 0."
    })
final class ExperimentStreamEvalCommand implements Callable<Integer> {
  private final Streams streams;

  @Mixin private final ModelMixin model = new ModelMixin();
  @Mixin private final OutMixin out = new OutMixin();
  @Mixin private final CachesMixin caches = new CachesMixin();

  @Option(
      names = "--distance",
      paramLabel = "N",
      split = ",",
      converter = WholeNumber.Lines.class,
      description = "How many lines back queries ask (default: ${DEFAULT-VALUE}).")
  private List<Long> distances = List.of(20L);

  @Option(
      names = "--every",
      paramLabel = "N",
      converter = WholeNumber.Lines.class,
      description = "Lines between queries (default: ${DEFAULT-VALUE}).")
  private long every = 10;

  @Option(
      names = "--seed",
      paramLabel = "N",
      converter = WholeNumber.Any.class,
      description = "Seed of the numbers (default: ${DEFAULT-VALUE}).")
  private long seed = 1;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      converter = WholeNumber.StreamLength.class,
      description = "Tokens of a stream (default: ${DEFAULT-VALUE}).")
  private long maxTokens = 20_000;

  ExperimentStreamEvalCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws IOException {
    return out.run(
        streams,
        new StreamEvalExperiment(
            model.source(),
            caches.policies(),
            distances.stream().map(Math::toIntExact).distinct().sorted().toList(),
            Math.toIntExact(every),
            seed,
            maxTokens));
  }
}
