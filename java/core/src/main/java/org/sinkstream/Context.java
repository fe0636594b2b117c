package org.sinkstream;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.sinkstream.graph.Runner;
import org.sinkstream.kernels.Tensor;

/**
 * What the next token of a stream is predicted from, and the predictions. A call that fails leaves
 * it as it was. Used by one thread at a time.
 */
sealed interface Context permits CachedContext, RecomputedContext {
  /** The position of the next token. */
  long position();

  /** Tokens that the next one will attend to besides itself. */
  long tokens();

  /** Bytes held now for keys and values. */
  long bytes();

  /** As {@link Session#reserve}. */
  void reserve(long tokens);

  /**
   * Appends {@code count} tokens, from {@code from} on.
   *
   * @param count at most {@link Runner#maxRows()}
   */
  void append(int[] tokens, int from, int count);

  /** Most rows of {@link #logits} at a time. */
  int maxLogitRows();

  /**
   * Logits of some of the tokens appended last.
   *
   * @param first the first of them, counted from the first token of the last {@link #append}
   * @param count how many, at most {@link #maxLogitRows()}
   * @return at least {@code count} rows, valid until the next call
   */
  Tensor logits(int first, int count);

  /** The logits [1, vocabulary] of the token appended last; the runner has them as well then. */
  Tensor last();

  /** As {@link Session#dropLast}. */
  void dropLast(long count);

  /** As {@link Session#evict}. */
  void evict(long begin, long end);

  /** Forgets every token. */
  void clear();

  /** The whole state but the logits as bytes, in memory of {@code arena}. */
  MemorySegment exportState(Arena arena);

  /**
   * Takes in what {@link #exportState} gave. The runner has the logits of the last token again when
   * it goes on.
   *
   * @throws IllegalArgumentException if it does not fit; nothing is changed then
   */
  void importState(MemorySegment state);
}
