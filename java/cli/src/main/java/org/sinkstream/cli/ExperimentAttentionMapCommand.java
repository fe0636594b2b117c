package org.sinkstream.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.sinkstream.cli.experiment.AttentionMapExperiment;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What a model's heads attend to. */
@Command(
    name = "attention-map",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Mean attention of every layer and head over short pieces of a text (Figure 2 of the paper), and"
          + " the share that the first tokens get: whether a model has attention sinks at all."
    })
final class ExperimentAttentionMapCommand implements Callable<Integer> {
  private final Streams streams;

  @Mixin private final ModelMixin model = new ModelMixin();
  @Mixin private final ScoredTextMixin text = new ScoredTextMixin();
  @Mixin private final OutMixin out = new OutMixin();

  @Option(
      names = "--samples",
      paramLabel = "N",
      converter = WholeNumber.Samples.class,
      description = "Pieces of the text, at most (default: ${DEFAULT-VALUE}).")
  private long samples = 256;

  @Option(
      names = "--length",
      paramLabel = "N",
      converter = WholeNumber.PieceLength.class,
      description = "Tokens of a piece (default: ${DEFAULT-VALUE}).")
  private long length = 64;

  ExperimentAttentionMapCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws IOException {
    return out.run(
        streams,
        new AttentionMapExperiment(
            model.source(), text.text(), Math.toIntExact(samples), Math.toIntExact(length)));
  }
}
