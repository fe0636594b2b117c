package org.sinkstream.kernels;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.sinkstream.kernels.ffi.Sinkstream;

/**
 * The operations of a device over tensors, shapes checked. {@code rows} is how many rows of the
 * tensors take part. Thread-safe as long as callers do not share outputs.
 *
 * @param device where they run
 */
public record Operations(Device device) {
  /** How {@link #gelu} computes. */
  public enum Gelu {
    /** With the error function. */
    EXACT,
    /** The tanh approximation. */
    TANH
  }

  /** {@code y = W x + b}. */
  public void linear(Weights weights, Tensor x, int rows, Tensor y) {
    linear(weights, x, rows, y, Sinkstream.SKS_STORE());
  }

  /** {@code y += W x + b}: a linear layer and the residual connection. */
  public void addLinear(Weights weights, Tensor x, int rows, Tensor y) {
    linear(weights, x, rows, y, Sinkstream.SKS_ADD());
  }

  private void linear(Weights weights, Tensor x, int rows, Tensor y, int output) {
    x.require("input of the linear layer", rows, weights.columns());
    y.require("output of the linear layer", rows, weights.rows());
    NativeCalls.check(
        Sinkstream.sks_linear(device.handle(), weights.handle(), x.data(), rows, y.data(), output));
  }

  /**
   * {@code y[r] = table[ids[r]]}.
   *
   * @param ids at least {@code rows} int32
   * @throws IllegalArgumentException for an id outside the table
   */
  public void embed(Weights table, MemorySegment ids, int rows, Tensor y) {
    y.require("embedding rows", rows, table.columns());
    NativeCalls.check(
        Sinkstream.sks_embed(
            device.handle(), table.handle(), ints("ids", ids, rows), rows, y.data()));
  }

  /** Root-mean-square normalisation of each row; {@code weight} [1, columns]. */
  public void rmsNorm(Tensor x, int rows, Tensor weight, float epsilon, Tensor y) {
    x.require("input of the norm", rows, weight.columns());
    y.require("output of the norm", rows, weight.columns());
    NativeCalls.check(
        Sinkstream.sks_rms_norm(
            device.handle(), x.data(), rows, x.columns(), weight.data(), epsilon, y.data()));
  }

  /** Layer normalisation of each row; {@code weight} and {@code bias} [1, columns]. */
  public void layerNorm(
      Tensor x, int rows, Tensor weight, @Nullable Tensor bias, float epsilon, Tensor y) {
    x.require("input of the norm", rows, weight.columns());
    y.require("output of the norm", rows, weight.columns());
    if (bias != null) {
      bias.require("bias of the norm", 1, weight.columns());
    }
    NativeCalls.check(
        Sinkstream.sks_layer_norm(
            device.handle(),
            x.data(),
            rows,
            x.columns(),
            weight.data(),
            bias == null ? MemorySegment.NULL : bias.data(),
            epsilon,
            y.data()));
  }

  /** {@code y = silu(gate) * up}, gate and up side by side in {@code x} [rows, 2 * columns]. */
  public void siluGate(Tensor x, int rows, Tensor y) {
    x.require("gate and up", rows, Math.multiplyExact(2, y.columns()));
    y.require("output of the gate", rows, y.columns());
    NativeCalls.check(
        Sinkstream.sks_silu_gate(device.handle(), x.data(), rows, y.columns(), y.data()));
  }

  /** {@code x = gelu(x)} in place. */
  public void gelu(Tensor x, int rows, Gelu kind) {
    NativeCalls.check(
        Sinkstream.sks_gelu(
            device.handle(),
            x.data(),
            elements(x, rows),
            switch (kind) {
              case EXACT -> Sinkstream.SKS_GELU_EXACT();
              case TANH -> Sinkstream.SKS_GELU_TANH();
            }));
  }

  /** {@code x = min(max(x, -limit), limit)} in place. */
  public void clamp(Tensor x, int rows, float limit) {
    NativeCalls.check(Sinkstream.sks_clamp(device.handle(), x.data(), elements(x, rows), limit));
  }

  /**
   * The {@code k} largest of a row of logits, largest first.
   *
   * @param indices room for k int32
   * @param values room for k floats
   */
  public void topK(Tensor logits, int row, int k, MemorySegment indices, MemorySegment values) {
    if (values.byteSize() < (long) k * Float.BYTES) {
      throw new IllegalArgumentException("room for less than %d values".formatted(k));
    }
    NativeCalls.check(
        Sinkstream.sks_top_k(
            device.handle(),
            logits.rows(row, 1).data(),
            logits.columns(),
            k,
            ints("indices", indices, k),
            values));
  }

  /**
   * The negative log-likelihood, in nats, of a known token under each row of logits.
   *
   * @param targets one token id for each row
   */
  public double[] nll(Tensor logits, int rows, int[] targets) {
    logits.require("logits", rows, logits.columns());
    try (Arena call = Arena.ofConfined()) {
      MemorySegment loss = call.allocate(JAVA_DOUBLE, rows);
      NativeCalls.check(
          Sinkstream.sks_nll(
              device.handle(),
              logits.data(),
              rows,
              logits.columns(),
              ints("targets", call.allocateFrom(JAVA_INT, targets), rows),
              loss));
      return loss.toArray(JAVA_DOUBLE);
    }
  }

  /** Widens {@code count} elements to float32. */
  public float[] widen(MemorySegment source, ElementType type, int count) {
    if (source.byteSize() < type.bytes(count)) {
      throw new IllegalArgumentException(
          "%d elements of %s in %d bytes".formatted(count, type, source.byteSize()));
    }
    try (Arena call = Arena.ofConfined()) {
      MemorySegment target = call.allocate(JAVA_FLOAT, count);
      NativeCalls.check(Sinkstream.sks_widen(device.handle(), source, type.code(), count, target));
      return target.toArray(JAVA_FLOAT);
    }
  }

  private static long elements(Tensor x, int rows) {
    x.require("tensor", rows, x.columns());
    return (long) rows * x.columns();
  }

  private static MemorySegment ints(String name, MemorySegment segment, int count) {
    if (segment.byteSize() < (long) count * Integer.BYTES) {
      throw new IllegalArgumentException(
          "%s: %d needed, room for %d".formatted(name, count, segment.byteSize() / 4));
    }
    return segment;
  }
}
