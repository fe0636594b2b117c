package org.sinkstream;

import java.util.Arrays;

/** The newest tokens of a stream, a bounded number of them. */
final class RecentTokens {
  private final int[] ring = new int[Sampling.MAX_REPETITION_WINDOW];
  private long count;

  void add(int token) {
    ring[(int) (count++ % ring.length)] = token;
  }

  /** Forgets the newest {@code dropped} tokens. */
  void drop(long dropped) {
    count = dropped >= ring.length ? 0 : Math.max(0, count - dropped);
  }

  void clear() {
    count = 0;
  }

  /** The newest {@code most} tokens or fewer, newest last. */
  int[] newest(int most) {
    int size = (int) Math.min(most, Math.min(count, ring.length));
    int[] tokens = new int[size];
    Arrays.setAll(tokens, i -> ring[(int) ((count - size + i) % ring.length)]);
    return tokens;
  }
}
