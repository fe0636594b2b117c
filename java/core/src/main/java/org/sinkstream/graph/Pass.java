package org.sinkstream.graph;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.sinkstream.kernels.Attention;
import org.sinkstream.kernels.Batch;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.KvCache;
import org.sinkstream.kernels.Norm;
import org.sinkstream.kernels.Operations;
import org.sinkstream.kernels.QkvLayout;
import org.sinkstream.kernels.Tensor;
import org.sinkstream.kernels.Weights;
import org.sinkstream.kernels.Workspace;
import org.sinkstream.kernels.Workspace.Output;

/**
 * The activations of the rows that go through the layers together, and the operations on them as
 * decoders write them. Everything is allocated once. Used by one thread at a time.
 */
final class Pass {
  /** The residual stream [rows, hidden]. */
  final Tensor x;

  /** The fused QKV output [rows, layout.columns()]. */
  final Tensor qkv;

  /** What attention gives [rows, heads * head_dim]. */
  final Tensor attention;

  /** What the MLP's second layer takes [rows, inner]. */
  final Tensor inner;

  private final Operations operations;
  private final Workspace workspace;
  private final Batch batch;
  private final QkvLayout layout;
  private final Device device;
  private final MemorySegment ids;
  private final MemorySegment hostIds;
  private @Nullable AttentionObserver observer;
  private long observedKeys;

  Pass(Device device, Arena arena, Attention attention, Decoder decoder, int maxRows) {
    Decoder.Widths widths = decoder.widths();
    this.device = device;
    this.operations = new Operations(device);
    this.workspace = new Workspace(device, arena, maxRows, widths.most());
    this.batch = new Batch(arena, attention, maxRows);
    this.layout = decoder.qkvLayout();
    this.ids = device.allocate(arena, (long) maxRows * Integer.BYTES);
    this.hostIds = arena.allocate(JAVA_INT, maxRows);
    this.x = Tensor.allocate(device, arena, maxRows, widths.hidden());
    this.qkv = Tensor.allocate(device, arena, maxRows, layout.columns());
    this.attention = Tensor.allocate(device, arena, maxRows, widths.attention());
    this.inner = Tensor.allocate(device, arena, maxRows, widths.inner());
  }

  /** Whether somebody looks at what tokens attend to. */
  boolean isObserved() {
    return observer != null;
  }

  int maxRows() {
    return batch.maxRows();
  }

  /** Starts a step with the next tokens of one stream. */
  void begin(KvCache cache, int[] tokens, int from, int count) {
    batch.begin(cache, count);
    setIds(tokens, from, count);
  }

  /** Starts a step with the next token of one stream, which is in {@link #ids} already. */
  void beginWithChosen(KvCache cache) {
    batch.begin(cache, 1);
  }

  /** Where the step's tokens are read from, in device memory. */
  MemorySegment ids() {
    return ids;
  }

  /**
   * Starts a step with the next token of each of some streams.
   *
   * @param paddedRows rows to compute, at least as many
   */
  void begin(List<KvCache> caches, int[] tokens, int paddedRows) {
    batch.begin(caches, paddedRows);
    setIds(tokens, 0, caches.size());
  }

  /** The same, the tokens being in {@link #ids} already. */
  void beginWithChosen(List<KvCache> caches, int paddedRows) {
    batch.begin(caches, paddedRows);
  }

  private void setIds(int[] tokens, int from, int count) {
    MemorySegment.copy(tokens, from, hostIds, JAVA_INT, 0, count);
    device.upload(hostIds.asSlice(0, (long) count * Integer.BYTES), ids);
  }

  /** {@code x} becomes the embeddings of the step's tokens. */
  void embed(Weights embedding) {
    operations.embed(embedding, ids, batch.rows(), x);
  }

  /** Makes the step's tokens part of their streams. */
  void commit() {
    batch.commit();
  }

  /** {@code y = W norm(x) + b}. */
  void linear(Weights weights, Norm norm, Tensor from, Tensor to) {
    workspace.linear(weights, norm, from, batch.rows(), to, Output.STORE);
  }

  /** {@code y += W x + b}. */
  void addLinear(Weights weights, Tensor from, Tensor to) {
    workspace.linear(weights, null, from, batch.rows(), to, Output.ADD);
  }

  /** {@code y = silu(gate) * up}, gate and up being {@code W norm(x) + b}. */
  void gatedLinear(Weights gateUp, Norm norm, Tensor from, Tensor to) {
    workspace.linear(gateUp, norm, from, batch.rows(), to, Output.SILU_GATE);
  }

  /** {@code y = gelu(W norm(x) + b)}. */
  void geluLinear(Weights up, Norm norm, Gelu kind, Tensor from, Tensor to) {
    workspace.linear(up, norm, from, batch.rows(), to, kind.output);
  }

  /** The logits of some rows of {@code x}. */
  void logits(Decoder decoder, int first, int count, Tensor to) {
    workspace.linear(
        decoder.head(), decoder.finalNorm(), x.rows(first, count), count, to, Output.STORE);
  }

  /**
   * {@code attention = softmax(q k) v} of one layer, over the sink tokens and the window of each
   * row.
   *
   * @param sinkLogits one for each head, in the denominator of the softmax; null for none
   */
  void attend(int layer, @Nullable Tensor sinkLogits) {
    batch.append(layer, qkv, layout);
    batch.attend(layer, qkv, layout, sinkLogits, attention);
    if (observer != null) {
      observer.attended(layer, batch.weights(layer, qkv, layout, sinkLogits, 0, observedKeys));
    }
  }

  /**
   * Shows somebody, in the steps to come, what the first row attends to in each layer; nobody any
   * more for null.
   *
   * @param keys at least as many as that row sees
   */
  void observe(@Nullable AttentionObserver observer, long keys) {
    this.observer = observer;
    this.observedKeys = keys;
  }

  /** {@code qkv = min(max(qkv, -limit), limit)}. */
  void clampQkv(double limit) {
    operations.clamp(qkv, batch.rows(), (float) limit);
  }
}
