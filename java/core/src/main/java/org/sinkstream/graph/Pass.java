package org.sinkstream.graph;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.sinkstream.kernels.Attention;
import org.sinkstream.kernels.Batch;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.KvCache;
import org.sinkstream.kernels.Operations;
import org.sinkstream.kernels.QkvLayout;
import org.sinkstream.kernels.Tensor;
import org.sinkstream.kernels.Weights;

/**
 * The activations of the rows that go through the layers together, and the operations on them as
 * decoders write them. Everything is allocated once. Used by one thread at a time.
 */
final class Pass {
  /** The residual stream [rows, hidden]. */
  final Tensor x;

  /** A normalised copy of it [rows, hidden]. */
  final Tensor h;

  /** The fused QKV output [rows, layout.columns()]. */
  final Tensor qkv;

  /** What attention gives [rows, heads * head_dim]. */
  final Tensor attention;

  /** What the first MLP layer gives [rows, up]. */
  final Tensor up;

  /**
   * What the second MLP layer takes [rows, inner]; the same memory as {@link #up} where there is no
   * gate.
   */
  final Tensor inner;

  private final Operations operations;
  private final Batch batch;
  private final QkvLayout layout;
  private final MemorySegment ids;
  private final @Nullable Tensor sinkLogits;

  Pass(
      Device device,
      Arena arena,
      Attention attention,
      Decoder decoder,
      int maxRows,
      @Nullable Tensor sinkLogits) {
    Decoder.Widths widths = decoder.widths();
    this.operations = new Operations(device);
    this.batch = new Batch(arena, attention, maxRows);
    this.layout = decoder.qkvLayout();
    this.ids = arena.allocate(JAVA_INT, maxRows);
    this.sinkLogits = sinkLogits;
    this.x = Tensor.allocate(device, arena, maxRows, widths.hidden());
    this.h = Tensor.allocate(device, arena, maxRows, widths.hidden());
    this.qkv = Tensor.allocate(device, arena, maxRows, layout.columns());
    this.attention = Tensor.allocate(device, arena, maxRows, widths.attention());
    this.up = Tensor.allocate(device, arena, maxRows, widths.up());
    this.inner =
        widths.inner() == widths.up()
            ? up
            : Tensor.allocate(device, arena, maxRows, widths.inner());
  }

  int maxRows() {
    return batch.maxRows();
  }

  /** Starts a step with the next tokens of one stream. */
  void begin(KvCache cache, int[] tokens, int from, int count, Weights embedding) {
    MemorySegment.copy(tokens, from, ids, JAVA_INT, 0, count);
    batch.begin(cache, count);
    operations.embed(embedding, ids, count, x);
  }

  /** Makes the step's tokens part of their streams. */
  void commit() {
    batch.commit();
  }

  /** {@code y = norm(x)}. */
  void norm(Norm norm, Tensor from, Tensor to) {
    norm.apply(operations, from, batch.rows(), to);
  }

  /** {@code y = W x + b}. */
  void linear(Weights weights, Tensor from, Tensor to) {
    operations.linear(weights, from, batch.rows(), to);
  }

  /** {@code y += W x + b}. */
  void addLinear(Weights weights, Tensor from, Tensor to) {
    operations.addLinear(weights, from, batch.rows(), to);
  }

  /**
   * {@code attention = softmax(q k) v} of one layer, over the sink tokens and the window of each
   * row.
   */
  void attend(int layer) {
    batch.append(layer, qkv, layout);
    batch.attend(layer, qkv, layout, sinkLogits, attention);
  }

  /** {@code qkv = min(max(qkv, -limit), limit)}. */
  void clampQkv(double limit) {
    operations.clamp(qkv, batch.rows(), (float) limit);
  }

  /** {@code inner = silu(gate) * up}. */
  void siluGate() {
    operations.siluGate(up, batch.rows(), inner);
  }

  /** {@code inner = gelu(up)}. */
  void gelu(Operations.Gelu kind) {
    operations.gelu(up, batch.rows(), kind);
  }
}
