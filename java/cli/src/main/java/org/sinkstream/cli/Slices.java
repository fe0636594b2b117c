package org.sinkstream.cli;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Cuts a long array of tokens, so that something can be done between its pieces. */
final class Slices {
  private Slices() {}

  /** Pieces of {@code length} tokens in order, the last one shorter. */
  static Stream<int[]> of(int[] tokens, int length) {
    return IntStream.rangeClosed(0, (tokens.length - 1) / length)
        .mapToObj(i ->
            Arrays.copyOfRange(
                tokens, i * length, (int) Math.min(tokens.length, (i + 1L) * length)));
  }
}
