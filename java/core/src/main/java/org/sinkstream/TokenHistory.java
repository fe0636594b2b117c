package org.sinkstream;

import java.util.Arrays;

/** The newest tokens of a stream, a bounded number of them, by their positions. */
final class TokenHistory {
  private final int[] ring;
  private long oldest;
  private long end;

  /** Makes an empty one that holds up to {@code capacity} tokens. */
  TokenHistory(int capacity) {
    this.ring = new int[capacity];
  }

  /** The position of the oldest token held. */
  long oldest() {
    return oldest;
  }

  /** The position of the next token. */
  long end() {
    return end;
  }

  void add(int token) {
    ring[slot(end++)] = token;
    oldest = Math.max(oldest, end - ring.length);
  }

  /** Forgets the newest {@code count} tokens, or all there are. */
  void drop(long count) {
    end = Math.max(0, end - count);
    oldest = Math.min(oldest, end);
  }

  /** Forgets the tokens at positions {@code [begin, stop)}; the newer ones move down. */
  void evict(long begin, long stop) {
    for (long i = stop; i < end; i++) {
      ring[slot(i - (stop - begin))] = ring[slot(i)];
    }
    end -= stop - begin;
  }

  /** Forgets all tokens; the next one comes at {@code position}. */
  void restart(long position) {
    oldest = position;
    end = position;
  }

  /** The token at a position that is held. */
  int at(long position) {
    return ring[slot(position)];
  }

  /** The newest {@code most} tokens or fewer, newest last. */
  int[] newest(int most) {
    int size = (int) Math.min(most, end - oldest);
    int[] tokens = new int[size];
    Arrays.setAll(tokens, i -> at(end - size + i));
    return tokens;
  }

  private int slot(long position) {
    return (int) (position % ring.length);
  }
}
