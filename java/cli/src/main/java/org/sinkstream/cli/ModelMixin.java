package org.sinkstream.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.sinkstream.Model;
import org.sinkstream.ModelOptions;
import org.sinkstream.cli.experiment.ModelSource;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which model, and how it runs. */
final class ModelMixin {
  @Option(
      names = {"-m", "--model"},
      paramLabel = "MODEL",
      description =
          "A Hugging Face model directory or a GGUF file; the embedded model when left out.")
  private @Nullable Path path;

  @Mixin private final RuntimeMixin runtime = new RuntimeMixin();

  /** Opens the model. */
  Model open() throws IOException {
    return open(path, options());
  }

  /** Opens a model, or the embedded one for null. */
  static Model open(@Nullable Path path, ModelOptions options) throws IOException {
    try (LoadBar bar = new LoadBar()) {
      return Model.open(path == null ? EmbeddedModel.directory() : path, options, bar);
    }
  }

  /** The model for an experiment, which opens it when its turn comes. */
  ModelSource source() {
    return source(path, options());
  }

  /** A model, or the embedded one for null, that is opened when its turn comes. */
  static ModelSource source(@Nullable Path path, ModelOptions options) {
    String label =
        path == null
            ? EmbeddedModel.NAME
            : path.toAbsolutePath().normalize().getFileName().toString().replaceAll("\\.gguf$", "");
    return new ModelSource(name(path), label, () -> open(path, options));
  }

  /** How a model is opened. */
  ModelOptions options() {
    return runtime.options();
  }

  /** The model asked for; null for the embedded one. */
  @Nullable Path given() {
    return path;
  }

  /** The model as the user named it. */
  String name() {
    return name(path);
  }

  /** A model as the user named it, the embedded one for null. */
  static String name(@Nullable Path path) {
    return path == null ? EmbeddedModel.NAME + " (embedded)" : path.toString();
  }

  /** What linear layers may do with their input, as it is written. */
  String activations() {
    return runtime.activations();
  }

  /** Tokens that go through the layers together. */
  int chunk() {
    return runtime.chunk();
  }
}
