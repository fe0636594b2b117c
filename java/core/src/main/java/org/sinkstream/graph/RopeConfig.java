package org.sinkstream.graph;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sinkstream.checkpoint.Config;

/**
 * Rotary position embedding of the first channels of each head (Su et al., arXiv 2104.09864; HF
 * {@code modeling_rope_utils.py}).
 *
 * @param rotaryDim channels that are rotated: even, at most head_dim
 * @param base of the geometric series of frequencies ({@code rope_theta})
 * @param scaling Llama 3's stretching of long wavelengths
 */
public record RopeConfig(int rotaryDim, double base, Optional<Llama3Scaling> scaling) {
  private static final double DEFAULT_BASE = 10_000;

  /**
   * Wavelengths over {@code originalContext / lowFrequencyFactor} are stretched by {@code factor},
   * those under {@code originalContext / highFrequencyFactor} are left, the ones between blend from
   * one to the other (HF {@code _compute_llama3_parameters}).
   *
   * @param originalContext positions before stretching ({@code original_max_position_embeddings})
   */
  public record Llama3Scaling(
      double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalContext) {

    private static Llama3Scaling read(Config fields) {
      double low = fields.positiveFinite("low_freq_factor");
      double high = fields.positiveFinite("high_freq_factor");
      if (high <= low) {
        throw fields.refuse("high_freq_factor", "more than low_freq_factor (%s)".formatted(low));
      }
      return new Llama3Scaling(
          fields.positiveFinite("factor"),
          low,
          high,
          fields.positiveInt("original_max_position_embeddings"));
    }

    private double apply(double frequency) {
      double wavelength = 2 * Math.PI / frequency;
      if (wavelength > originalContext / lowFrequencyFactor) {
        return frequency / factor;
      }
      if (wavelength < originalContext / highFrequencyFactor) {
        return frequency;
      }
      double kept =
          (originalContext / wavelength - lowFrequencyFactor)
              / (highFrequencyFactor - lowFrequencyFactor);
      return (1 - kept) * frequency / factor + kept * frequency;
    }
  }

  /** Radians per token of each rotated pair of channels: {@code base^(-2i / rotaryDim)}, scaled. */
  public double[] inverseFrequencies() {
    double[] frequencies = new double[rotaryDim / 2];
    for (int i = 0; i < frequencies.length; i++) {
      double frequency = Math.pow(base, -2.0 * i / rotaryDim);
      frequencies[i] = scaling.isPresent() ? scaling.get().apply(frequency) : frequency;
    }
    return frequencies;
  }

  /**
   * Reads the published spelling ({@code rope_theta} or {@code rotary_emb_base}, {@code
   * rotary_pct}, {@code rope_scaling}) and today's ({@code rope_parameters}). Where both are there
   * they must agree.
   */
  static RopeConfig read(Config config, int headDim, double defaultFraction) {
    List<Config> places = new ArrayList<>(List.of(config));
    config.object("rope_parameters").ifPresent(places::add);
    config.object("rope_scaling").ifPresent(places::add);
    double base = agreed(places, DEFAULT_BASE, "rope_theta", "rotary_emb_base");
    double fraction = agreed(places, defaultFraction, "partial_rotary_factor", "rotary_pct");
    return new RopeConfig(
        rotaryDim(config, headDim, fraction),
        base,
        agreedScaling(places.subList(1, places.size())));
  }

  private static double agreed(List<Config> places, double fallback, String... names) {
    Optional<Double> found = Optional.empty();
    for (Config place : places) {
      String name = place.spelled(names);
      if (place.has(name)) {
        double value = place.positiveFinite(name);
        if (found.isPresent() && found.get() != value) {
          throw place.refuse(name, "%s, as elsewhere in this file".formatted(found.get()));
        }
        found = Optional.of(value);
      }
    }
    return found.orElse(fallback);
  }

  private static int rotaryDim(Config config, int headDim, double fraction) {
    double rotaryDim = Math.floor(headDim * fraction);
    if (rotaryDim > headDim || rotaryDim < 2 || rotaryDim % 2 != 0) {
      throw config.contradiction(
          "%.0f of %d channels of a head are rotated; expected an even number from 2 to %d"
              .formatted(rotaryDim, headDim, headDim));
    }
    return (int) rotaryDim;
  }

  private static Optional<Llama3Scaling> agreedScaling(List<Config> places) {
    List<Optional<Llama3Scaling>> found = places.stream().map(RopeConfig::scaling).toList();
    if (found.stream().distinct().count() > 1) {
      throw places.getLast().refuse("rope_type", "the same scaling as rope_parameters");
    }
    return found.isEmpty() ? Optional.empty() : found.getFirst();
  }

  private static Optional<Llama3Scaling> scaling(Config fields) {
    String type = fields.spelled("rope_type", "type");
    return switch (fields.string(type, "default")) {
      case "default" -> Optional.empty();
      case "llama3" -> Optional.of(Llama3Scaling.read(fields));
      default -> throw fields.refuse(type, "default or llama3; other scalings are not implemented");
    };
  }
}
