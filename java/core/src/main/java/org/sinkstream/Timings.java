package org.sinkstream;

import java.time.Duration;

/**
 * What a generation and the prompt before it took.
 *
 * @param promptTokens tokens appended since the generation before, or since the session began
 * @param promptTime time spent appending them
 * @param generatedTokens tokens generated
 * @param generationTime time spent sampling and decoding them; the consumer's own time is not in it
 */
public record Timings(
    long promptTokens, Duration promptTime, long generatedTokens, Duration generationTime) {
  /** Prompt tokens per second; 0 where none were appended. */
  public double promptTokensPerSecond() {
    return rate(promptTokens, promptTime);
  }

  /** Generated tokens per second; 0 where none were generated. */
  public double generatedTokensPerSecond() {
    return rate(generatedTokens, generationTime);
  }

  private static double rate(long tokens, Duration time) {
    return tokens == 0 || time.isZero() ? 0 : tokens * 1e9 / time.toNanos();
  }
}
