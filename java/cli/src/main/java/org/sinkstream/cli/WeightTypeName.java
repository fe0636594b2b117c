package org.sinkstream.cli;

import java.util.Locale;
import org.sinkstream.WeightType;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads types by their names, and the mixtures by those that llama.cpp has for them as well. */
final class WeightTypeName implements ITypeConverter<WeightType> {
  /** All names, for {@code --help}. */
  static final String NAMES =
      "f32, f16, bf16, q8_0, q4_0, q4_k (or q4_k_m, what llama.cpp calls it), q5_k (or q5_k_m), q6_k";

  @Override
  public WeightType convert(String text) {
    String name = text.toUpperCase(Locale.ROOT).replaceFirst("^(Q[45]_K)_M$", "$1");
    try {
      return WeightType.valueOf(name);
    } catch (IllegalArgumentException unknown) {
      throw new TypeConversionException("'%s'; expected one of %s".formatted(text, NAMES));
    }
  }
}
