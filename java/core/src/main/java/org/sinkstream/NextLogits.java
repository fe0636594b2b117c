package org.sinkstream;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.jspecify.annotations.Nullable;
import org.sinkstream.graph.Runner;
import org.sinkstream.kernels.Tensor;

/**
 * The logits of a stream's next token, which whoever computed them holds: the session, or a batch
 * that it took part in. There are none before the first token, after tokens were taken back, and
 * where the device failed. Used by one thread at a time.
 */
final class NextLogits {
  private final Context context;
  private final Runner runner;
  private final Arena arena;
  private boolean known;

  /** Those in a batch's memory; null where the session has them. */
  private @Nullable Tensor ofBatch;

  /** Where they are copied to on their way from a GPU: the same memory each time. */
  private @Nullable SegmentAllocator host;

  /** None yet. */
  NextLogits(Context context, Runner runner, Arena arena) {
    this.context = context;
    this.runner = runner;
    this.arena = arena;
  }

  /** Whether there are any. */
  boolean areKnown() {
    return known;
  }

  /** Refuses to go on where there are none. */
  void require() {
    if (!known) {
      throw new IllegalStateException(
          "there are no logits to go on from: append a token first, also after tokens were taken"
              + " back");
    }
  }

  /** The logits [1, vocabulary], valid until the next step. */
  Tensor tensor() {
    require();
    return ofBatch == null ? context.last() : ofBatch;
  }

  /** A copy of them. */
  float[] toArray() {
    Tensor logits = tensor();
    if (host == null) {
      host = SegmentAllocator.prefixAllocator(arena.allocate(JAVA_FLOAT, logits.columns()));
    }
    return logits.read(host).toArray(JAVA_FLOAT);
  }

  /** The session's step has left them with its own. */
  void become() {
    known = true;
    ofBatch = null;
  }

  /** A batch's step has left them in its memory, where they are until {@link #keep}. */
  void become(Tensor logits) {
    known = true;
    ofBatch = logits;
  }

  /** They are those of a saved stream. */
  void become(MemorySegment saved) {
    runner.last().write(saved);
    become();
  }

  /** There are none any more. */
  void lose() {
    known = false;
    ofBatch = null;
  }

  /** Whether they are these, in a batch's memory. */
  boolean are(Tensor logits) {
    return logits.equals(ofBatch);
  }

  /** Copies those in a batch's memory, which is to be used anew, to the session's own. */
  void keep() {
    Tensor theirs = ofBatch;
    if (theirs != null) {
      lose(); // where the copy fails
      runner.last().copyFrom(theirs);
      become();
    }
  }
}
