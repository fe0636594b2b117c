package org.sinkstream.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.sinkstream.cli.experiment.LatencyExperiment;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What a decoded token costs. */
@Command(
    name = "latency",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description =
        "Milliseconds for a decoded token, and memory, against cache size: sink tokens and a window"
            + " against re-computation (Figure 10 of the paper). Tokens are random.")
final class ExperimentLatencyCommand implements Callable<Integer> {
  private final Streams streams;

  @Mixin private final BenchModel model = new BenchModel();
  @Mixin private final SizesMixin sizes = new SizesMixin();
  @Mixin private final OutMixin out = new OutMixin();

  @Option(
      names = {"-r", "--repetitions"},
      paramLabel = "N",
      converter = WholeNumber.Repetitions.class,
      description =
          "How often each is measured, at most; slow ones less often (default: ${DEFAULT-VALUE}).")
  private long repetitions = 5;

  ExperimentLatencyCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws IOException {
    return out.run(
        streams,
        new LatencyExperiment(
            model.source(), sizes.sizes(), Math.toIntExact(repetitions), model.chunk()));
  }
}
