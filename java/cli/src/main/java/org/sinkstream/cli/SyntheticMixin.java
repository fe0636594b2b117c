package org.sinkstream.cli;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.sinkstream.SyntheticShape;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** A model of random weights in the place of one that somebody trained. */
final class SyntheticMixin {
  @Option(
      names = "--synthetic",
      paramLabel = "SHAPE",
      converter = Shape.class,
      description =
          "Random weights in memory, in the shape of tinyllama-1.1b, llama-2-7b, llama-2-13b,"
              + " pythia-6.9b, falcon-7b or mpt-7b.")
  private @Nullable SyntheticShape shape;

  /** The shape asked for. */
  Optional<SyntheticShape> shape() {
    return Optional.ofNullable(shape);
  }

  /**
   * The shape asked for.
   *
   * @param model the trained one asked for, if any
   * @throws IllegalArgumentException if both are
   */
  Optional<SyntheticShape> shapeInsteadOf(@Nullable Path model) {
    if (shape != null && model != null) {
      throw new IllegalArgumentException(
          "--synthetic %s and --model %s; expected one of them".formatted(shape, model));
    }
    return shape();
  }

  /** Reads a shape; a refusal says which there are. */
  static final class Shape implements ITypeConverter<SyntheticShape> {
    @Override
    public SyntheticShape convert(String text) {
      try {
        return SyntheticShape.parse(text);
      } catch (IllegalArgumentException refused) {
        throw new TypeConversionException(refused.getMessage());
      }
    }
  }
}
