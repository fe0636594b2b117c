package org.sinkstream.cli;

import java.time.Duration;

/**
 * The speed of the first and of the last tokens of a stream of any length. Where the stream is
 * shorter than two spans, the spans are its halves, so that they never share a token.
 */
final class SpeedLog {
  private final long[] first;
  private final long[] ring;
  private long tokens;

  /**
   * Starts at no token and no time.
   *
   * @param span how many tokens the first and the last are
   */
  SpeedLog(int span) {
    first = new long[span + 1];
    ring = new long[span + 1];
  }

  /** Adds a token. {@code total} is the time that all tokens have taken, this one among them. */
  void add(Duration total) {
    tokens++;
    if (tokens < first.length) {
      first[(int) tokens] = total.toNanos();
    }
    ring[(int) (tokens % ring.length)] = total.toNanos();
  }

  /** Tokens added. */
  long tokens() {
    return tokens;
  }

  /** How many tokens {@link #first} and {@link #last} are about. */
  int span() {
    return (int) Math.min(first.length - 1, tokens < 2 ? tokens : tokens / 2);
  }

  /** Tokens per second of the first {@link #span}; 0 where there are none. */
  double first() {
    return rate(first[span()]);
  }

  /** Tokens per second of the last {@link #span}; 0 where there are none. */
  double last() {
    return rate(ring[(int) (tokens % ring.length)] - ring[(int) ((tokens - span()) % ring.length)]);
  }

  private double rate(long nanos) {
    return nanos == 0 ? 0 : span() * 1e9 / nanos;
  }
}
