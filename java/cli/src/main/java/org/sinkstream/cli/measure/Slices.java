package org.sinkstream.cli.measure;

import java.util.stream.LongStream;
import java.util.stream.Stream;

/** Cuts a long stream of tokens, so that something can be done between its pieces. */
public final class Slices {
  private Slices() {}

  /** Pieces of {@code length} tokens in order, the last one shorter. */
  public static Stream<int[]> of(int[] tokens, int length) {
    return of(tokens, 0, tokens.length, length);
  }

  /**
   * Pieces of a text that starts again where it ends, as often as it takes.
   *
   * @param from the first token, a multiple of {@code length}
   * @param to the token after the last one
   * @param length of the pieces; the last one is shorter
   */
  public static Stream<int[]> of(int[] text, long from, long to, int length) {
    return LongStream.iterate(from, at -> at < to, at -> at + length)
        .mapToObj(at -> piece(text, at, (int) Math.min(length, to - at)));
  }

  private static int[] piece(int[] text, long from, int count) {
    int[] piece = new int[count];
    for (int i = 0; i < count; i++) {
      piece[i] = text[(int) ((from + i) % text.length)];
    }
    return piece;
  }
}
