package org.sinkstream.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.sinkstream.kernels.ffi.Sinkstream;

/**
 * The rows that go through the layers together ({@code attention.h}): begin, for each layer append
 * and attend, commit. What is not committed never happened. Used by one thread at a time.
 */
public final class Batch {
  private final Attention attention;
  private final int maxRows;
  private final MemorySegment handle;
  private final MemorySegment cacheHandles;
  private final MemorySegment rowCounts;

  /** What the two hold. */
  private final @Nullable KvCache[] listed;

  private final int[] counts;
  private int rows;

  /** Makes room for {@code maxRows} rows; freed when the arena closes. */
  public Batch(Arena arena, Attention attention, int maxRows) {
    this.attention = attention;
    this.maxRows = maxRows;
    this.handle =
        NativeCalls.own(
            arena,
            out -> Sinkstream.sks_batch_create(attention.handle(), maxRows, out),
            Sinkstream::sks_batch_destroy);
    this.cacheHandles = arena.allocate(ADDRESS, maxRows);
    this.rowCounts = arena.allocate(JAVA_INT, maxRows);
    this.listed = new KvCache[maxRows];
    this.counts = new int[maxRows];
  }

  /** Most rows of a step. */
  public int maxRows() {
    return maxRows;
  }

  /** Rows of the present step that operations run on. */
  public int rows() {
    return rows;
  }

  /**
   * Starts a step of the next {@code count} tokens of one stream.
   *
   * @throws org.sinkstream.error.DeviceMemoryException if a dense cache cannot grow
   */
  public void begin(KvCache cache, int count) {
    list(0, cache, count);
    NativeCalls.check(Sinkstream.sks_batch_begin(handle, cacheHandles, rowCounts, 1));
    rows = count;
  }

  /**
   * Starts a step of the next token of each of some different streams.
   *
   * @param paddedRows rows that operations run on, at least one for each stream; what those beyond
   *     the streams give means nothing
   */
  public void begin(List<KvCache> caches, int paddedRows) {
    if (caches.size() > paddedRows || paddedRows > maxRows) {
      throw new IllegalArgumentException(
          "%d streams in %d rows of %d".formatted(caches.size(), paddedRows, maxRows));
    }
    for (int i = 0; i < caches.size(); i++) {
      list(i, caches.get(i), 1);
    }
    NativeCalls.check(
        Sinkstream.sks_batch_begin_padded(
            handle, cacheHandles, rowCounts, caches.size(), paddedRows));
    rows = paddedRows;
  }

  /** Makes a cache the step's {@code i}-th, which most often it is already. */
  private void list(int i, KvCache cache, int count) {
    if (listed[i] != cache) {
      cacheHandles.setAtIndex(ADDRESS, i, cache.handle());
      listed[i] = cache;
    }
    if (counts[i] != count) {
      rowCounts.setAtIndex(JAVA_INT, i, count);
      counts[i] = count;
    }
  }

  /** Stores the keys and values of one layer from a fused QKV output [rows, layout.columns()]. */
  public void append(int layer, Tensor qkv, QkvLayout layout) {
    check(layer, qkv, layout);
    NativeCalls.check(
        Sinkstream.sks_append(
            handle,
            layer,
            at(qkv, layout.key()),
            at(qkv, layout.value()),
            qkv.columns(),
            layout.keyStride()));
  }

  /**
   * Attends with the queries of one layer, from a fused QKV output, to what each row may see.
   *
   * @param sinkLogits [1, heads] added to the softmax denominator, or null for none
   * @param out [rows, heads * headDim]
   */
  public void attend(
      int layer, Tensor qkv, QkvLayout layout, @Nullable Tensor sinkLogits, Tensor out) {
    check(layer, qkv, layout);
    Attention.Shape shape = attention.shape();
    out.require("attention output", rows, shape.heads() * shape.headDim());
    if (sinkLogits != null) {
      sinkLogits.require("sink logits", 1, shape.heads());
    }
    NativeCalls.check(
        Sinkstream.sks_attend(
            handle,
            layer,
            at(qkv, layout.query()),
            qkv.columns(),
            layout.queryGroupStride(),
            sinkLogits == null ? MemorySegment.NULL : sinkLogits.data(),
            out.data()));
  }

  /**
   * What {@link #attend} weights the values of one row with.
   *
   * @param sinkLogits [1, heads] added to the softmax denominator, or null for none
   * @param row of the step
   * @param mostKeys at least as many as the row sees
   * @return [heads, keys], row-major: the sink tokens, then the window, in the order of the stream
   */
  public float[] weights(
      int layer,
      Tensor qkv,
      QkvLayout layout,
      @Nullable Tensor sinkLogits,
      int row,
      long mostKeys) {
    check(layer, qkv, layout);
    int heads = attention.shape().heads();
    long capacity = Math.multiplyExact(heads, mostKeys);
    try (Arena call = Arena.ofConfined()) {
      MemorySegment weights = call.allocate(JAVA_FLOAT, capacity);
      MemorySegment keys = call.allocate(JAVA_LONG);
      NativeCalls.check(
          Sinkstream.sks_attention_weights(
              handle,
              layer,
              at(qkv, layout.query()),
              qkv.columns(),
              layout.queryGroupStride(),
              sinkLogits == null ? MemorySegment.NULL : sinkLogits.data(),
              row,
              weights,
              capacity,
              keys));
      return weights.asSlice(0, heads * keys.get(JAVA_LONG, 0) * Float.BYTES).toArray(JAVA_FLOAT);
    }
  }

  /** Makes the step's tokens part of their streams. */
  public void commit() {
    NativeCalls.check(Sinkstream.sks_batch_commit(handle));
    rows = 0;
  }

  private void check(int layer, Tensor qkv, QkvLayout layout) {
    if (rows == 0) {
      throw new IllegalStateException("no step has begun");
    }
    if (layer < 0 || layer >= attention.shape().layers()) {
      throw new IllegalArgumentException(
          "layer %d of %d".formatted(layer, attention.shape().layers()));
    }
    qkv.require("QKV", rows, layout.columns());
  }

  private static MemorySegment at(Tensor tensor, int offset) {
    return tensor.data().asSlice((long) offset * Float.BYTES);
  }
}
