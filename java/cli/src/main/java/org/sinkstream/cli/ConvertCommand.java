package org.sinkstream.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.sinkstream.Conversion;
import org.sinkstream.SyntheticShape;
import org.sinkstream.WeightType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Makes a GGUF file of a Hugging Face model. */
@Command(
    name = "convert",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description =
        "Makes a GGUF file of a Hugging Face model, which llama.cpp reads as well. The file is"
            + " whole or not there.")
final class ConvertCommand implements Callable<Integer> {
  private final Streams streams;

  @Option(
      names = {"-m", "--model"},
      paramLabel = "DIR",
      description = "A Hugging Face model directory; the embedded model when left out.")
  private @Nullable Path directory;

  @Mixin private final SyntheticMixin synthetic = new SyntheticMixin();

  @Option(
      names = "--type",
      required = true,
      paramLabel = "TYPE",
      converter = WeightTypeName.class,
      description =
          "What matrices are stored as: "
              + WeightTypeName.NAMES
              + ". Norms and biases are float32.")
  private WeightType type = WeightType.Q8_0;

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "The GGUF file.")
  private Path out = Path.of("");

  @Mixin private final ThreadsMixin threads = new ThreadsMixin();

  ConvertCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws Exception {
    try (Conversion conversion = open();
        Progress progress = Progress.ofBytes("convert", conversion.bytes())) {
      conversion.write(out, progress::advance);
      String types =
          conversion.types().entrySet().stream()
              .map(each -> each.getValue() + " " + each.getKey())
              .collect(Collectors.joining(", "));
      streams.out().println("%s: %d bytes; tensors: %s".formatted(out, conversion.bytes(), types));
      return 0;
    }
  }

  private Conversion open() throws IOException {
    Optional<SyntheticShape> shape = synthetic.shapeInsteadOf(directory);
    if (shape.isPresent()) {
      return Conversion.synthetic(shape.get(), type, threads.count());
    }
    if (directory == null) {
      return Conversion.open(EmbeddedModel.directory(), EmbeddedModel.NAME, type, threads.count());
    }
    String name = directory.toAbsolutePath().normalize().getFileName().toString();
    return Conversion.open(directory, name, type, threads.count());
  }
}
