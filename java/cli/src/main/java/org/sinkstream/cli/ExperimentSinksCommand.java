package org.sinkstream.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.sinkstream.cli.experiment.ModelSource;
import org.sinkstream.cli.experiment.SinksExperiment;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How many sink tokens it takes. */
@Command(
    name = "sinks",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Perplexity with 0, 1, 2, 4 and 8 sink tokens in a cache of one size (Table 2 of the paper), and"
          + " with line breaks in the place of the first four tokens (Table 1).",
      "Several models, one -m each, are compared (Table 3)."
    })
final class ExperimentSinksCommand implements Callable<Integer> {
  private final Streams streams;

  @Option(
      names = {"-m", "--model"},
      paramLabel = "MODEL",
      description =
          "A Hugging Face model directory or a GGUF file; the embedded model when left out. May be"
              + " repeated.")
  private List<Path> models = List.of();

  @Mixin private final RuntimeMixin runtime = new RuntimeMixin();
  @Mixin private final ScoredTextMixin text = new ScoredTextMixin();
  @Mixin private final OutMixin out = new OutMixin();

  @Option(
      names = "--cache-size",
      paramLabel = "C",
      converter = WholeNumber.CacheSize.class,
      description =
          "Sink and recent tokens together (default: half the trained context, at most 2048).")
  private long cacheSize;

  ExperimentSinksCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws IOException {
    return out.run(
        streams,
        new SinksExperiment(sources(), text.text(), Math.toIntExact(cacheSize), runtime.chunk()));
  }

  private List<ModelSource> sources() {
    Stream<ModelSource> sources =
        models.isEmpty()
            ? Stream.of(ModelMixin.source(null, runtime.options()))
            : models.stream().map(model -> ModelMixin.source(model, runtime.options()));
    return ModelSource.distinct(sources.toList());
  }
}
