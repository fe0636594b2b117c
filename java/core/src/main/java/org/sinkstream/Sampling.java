package org.sinkstream;

/**
 * How the next token is chosen from logits. In this order, as HF transformers does: repetition
 * penalty, temperature, top-k, top-p, min-p, then one draw. The same seed and the same logits give
 * the same tokens.
 *
 * @param temperature divides the logits; 0 takes the most likely token (greedy)
 * @param topK only the k most likely tokens; 0 for all
 * @param topP only the fewest tokens whose probabilities reach this sum; 1 for all
 * @param minP only tokens at least this fraction as likely as the likeliest; 0 for all
 * @param repetitionPenalty logits of recent tokens are divided by it where positive, multiplied
 *     where negative; 1 for none
 * @param repetitionWindow how many recent tokens the penalty looks at, at most {@link
 *     #MAX_REPETITION_WINDOW}
 * @param seed of the random draws
 */
public record Sampling(
    double temperature,
    int topK,
    double topP,
    double minP,
    double repetitionPenalty,
    int repetitionWindow,
    long seed) {
  /** How many recent tokens a session remembers. */
  public static final int MAX_REPETITION_WINDOW = 4096;

  /** Refuses values out of range. */
  public Sampling {
    require(temperature >= 0 && temperature <= 1e6, "temperature", temperature, "0 or more");
    require(topK >= 0, "top-k", topK, "0 or more");
    require(topP > 0 && topP <= 1, "top-p", topP, "more than 0, at most 1");
    require(minP >= 0 && minP <= 1, "min-p", minP, "0 to 1");
    require(
        repetitionPenalty > 0 && repetitionPenalty <= 1e6,
        "repetition penalty",
        repetitionPenalty,
        "more than 0");
    require(
        repetitionWindow >= 0 && repetitionWindow <= MAX_REPETITION_WINDOW,
        "repetition window",
        repetitionWindow,
        "0 to " + MAX_REPETITION_WINDOW);
  }

  private static void require(boolean holds, String name, Number value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException("%s: %s; expected %s".formatted(name, value, expected));
    }
  }

  /** The most likely token, always. */
  public static Sampling greedy() {
    return new Sampling(0, 0, 1, 0, 1, 64, 0);
  }

  /** Temperature 0.8, top-k 40, top-p 0.95, min-p 0.05, no penalty. */
  public static Sampling seeded(long seed) {
    return new Sampling(0.8, 40, 0.95, 0.05, 1, 64, seed);
  }

  /** This with another temperature. */
  public Sampling withTemperature(double temperature) {
    return new Sampling(temperature, topK, topP, minP, repetitionPenalty, repetitionWindow, seed);
  }

  /** This with another top-k. */
  public Sampling withTopK(int topK) {
    return new Sampling(temperature, topK, topP, minP, repetitionPenalty, repetitionWindow, seed);
  }

  /** This with another top-p. */
  public Sampling withTopP(double topP) {
    return new Sampling(temperature, topK, topP, minP, repetitionPenalty, repetitionWindow, seed);
  }

  /** This with another min-p. */
  public Sampling withMinP(double minP) {
    return new Sampling(temperature, topK, topP, minP, repetitionPenalty, repetitionWindow, seed);
  }

  /** This with another repetition penalty over the last {@code window} tokens. */
  public Sampling withRepetitionPenalty(double penalty, int window) {
    return new Sampling(temperature, topK, topP, minP, penalty, window, seed);
  }

  /** This with another seed. */
  public Sampling withSeed(long seed) {
    return new Sampling(temperature, topK, topP, minP, repetitionPenalty, repetitionWindow, seed);
  }
}
