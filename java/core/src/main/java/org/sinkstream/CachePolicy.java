package org.sinkstream;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a session's cache keeps, written as the paper writes it (Xiao et al., arXiv 2309.17453):
 * {@code S+R} keeps S sink tokens and R recent tokens before the one being processed, {@code 0+R}
 * is plain window attention, {@code dense} keeps everything, {@code recompute:L} keeps no more than
 * the ids of L tokens and takes them through the model again for every prediction.
 */
public sealed interface CachePolicy {
  /**
   * Sink tokens and a rolling window: constant memory for ever.
   *
   * @param sinks first tokens of the stream that are kept, S, 0 or more
   * @param window recent tokens before the one being processed, R, 1 or more
   */
  record Streaming(long sinks, long window) implements CachePolicy {
    /** Refuses negative sinks and an empty window. */
    public Streaming {
      if (sinks < 0) {
        throw new IllegalArgumentException("sink tokens: %d; expected 0 or more".formatted(sinks));
      }
      if (window < 1) {
        throw new IllegalArgumentException("window: %d; expected 1 or more".formatted(window));
      }
    }

    @Override
    public String toString() {
      return sinks + "+" + window;
    }
  }

  /** Every token is kept: memory and cost grow with the stream. */
  record Dense() implements CachePolicy {
    @Override
    public String toString() {
      return "dense";
    }
  }

  /**
   * The sliding window with re-computation: each prediction is a fresh pass over the last L tokens,
   * the one being processed among them, at positions from 0. Constant memory, and a cost for each
   * token that grows with L<sup>2</sup>. Until the stream is longer than L it is dense attention,
   * and nothing is computed again.
   *
   * @param length tokens of a pass, L, 1 to {@link #MAX_LENGTH}
   */
  record Recompute(int length) implements CachePolicy {
    private static final String PREFIX = "recompute:";

    /** The longest pass. */
    public static final int MAX_LENGTH = 1 << 24;

    /** Refuses lengths out of range. */
    public Recompute {
      if (length < 1 || length > MAX_LENGTH) {
        throw new IllegalArgumentException(
            "tokens to recompute: %d; expected 1 to %d".formatted(length, MAX_LENGTH));
      }
    }

    @Override
    public String toString() {
      return PREFIX + length;
    }
  }

  /** {@code S+R}. */
  static CachePolicy streaming(long sinks, long window) {
    return new Streaming(sinks, window);
  }

  /** {@code dense}. */
  static CachePolicy dense() {
    return new Dense();
  }

  /** {@code recompute:L}. */
  static CachePolicy recompute(int length) {
    return new Recompute(length);
  }

  /**
   * Four sink tokens and the largest window that keeps the query inside the trained context, at
   * most 2,043: a query stands at {@code S+R} for ever, and the last trained position is {@code
   * trainedContext - 1}.
   *
   * @param trainedContext positions that the model was trained on
   */
  static CachePolicy fitting(int trainedContext) {
    long sinks = 4;
    return new Streaming(sinks, Math.clamp(trainedContext - 1L - sinks, 1, 2043));
  }

  /**
   * Reads {@code S+R}, {@code dense} or {@code recompute:L}.
   *
   * @throws IllegalArgumentException for anything else
   */
  static CachePolicy parse(String text) {
    if (text.equals("dense")) {
      return new Dense();
    }
    Matcher matcher =
        Pattern.compile("(\\d{1,18})\\+(\\d{1,18})|recompute:(\\d{1,18})").matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "cache policy '%s'; expected S+R such as 4+1020, 0+R, dense, or recompute:L"
              .formatted(text));
    }
    if (matcher.group(3) != null) {
      return new Recompute(Math.clamp(Long.parseLong(matcher.group(3)), 0, Integer.MAX_VALUE));
    }
    return new Streaming(Long.parseLong(matcher.group(1)), Long.parseLong(matcher.group(2)));
  }
}
