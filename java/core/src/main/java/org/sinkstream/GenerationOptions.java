package org.sinkstream;

import java.util.List;

/**
 * What to generate.
 *
 * @param sampling how tokens are chosen
 * @param maxTokens most tokens; 0 for no end
 * @param stops strings that end the generation; they and what follows are not part of the text
 * @param endless true to never choose the tokens with which the model ends its text
 */
public record GenerationOptions(
    Sampling sampling, long maxTokens, List<String> stops, boolean endless) {
  /** Refuses a negative count and empty stop strings. */
  public GenerationOptions {
    if (maxTokens < 0) {
      throw new IllegalArgumentException(
          "max tokens: %d; expected 0 (no end) or more".formatted(maxTokens));
    }
    stops = List.copyOf(stops);
    if (stops.contains("")) {
      throw new IllegalArgumentException("a stop string is empty");
    }
  }

  /** At most {@code maxTokens} tokens, chosen with {@link Sampling#seeded}. */
  public static GenerationOptions of(long maxTokens, long seed) {
    return new GenerationOptions(Sampling.seeded(seed), maxTokens, List.of(), false);
  }

  /** At most {@code maxTokens} tokens, the most likely ones. */
  public static GenerationOptions greedy(long maxTokens) {
    return new GenerationOptions(Sampling.greedy(), maxTokens, List.of(), false);
  }

  /** These options with another way to choose tokens. */
  public GenerationOptions withSampling(Sampling sampling) {
    return new GenerationOptions(sampling, maxTokens, stops, endless);
  }

  /** These options with stop strings. */
  public GenerationOptions withStops(String... stops) {
    return new GenerationOptions(sampling, maxTokens, List.of(stops), endless);
  }

  /** These options, never ending of the model's own accord. */
  public GenerationOptions withoutEnd() {
    return new GenerationOptions(sampling, maxTokens, stops, true);
  }
}
