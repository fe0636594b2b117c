package org.sinkstream.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.sinkstream.kernels.ffi.Sinkstream;

/**
 * Runs linear layers, with room for their input in the form their weights take ({@code linear.h}).
 * Used by one thread at a time.
 */
public final class Workspace {
  private final MemorySegment handle;

  /** What becomes of {@code z = W norm(x) + b}. */
  public enum Output {
    /** {@code y = z}. */
    STORE,
    /** {@code y += z}: the residual connection. */
    ADD,
    /** {@code y = silu(gate) * up}, {@code z} being gate, then up. */
    SILU_GATE,
    /** {@code y = gelu(z)}, with the error function. */
    GELU_EXACT,
    /** {@code y = gelu(z)}, the tanh approximation. */
    GELU_TANH;

    private int code() {
      return switch (this) {
        case STORE -> Sinkstream.SKS_STORE();
        case ADD -> Sinkstream.SKS_ADD();
        case SILU_GATE -> Sinkstream.SKS_SILU_GATE();
        case GELU_EXACT -> Sinkstream.SKS_GELU_EXACT();
        case GELU_TANH -> Sinkstream.SKS_GELU_TANH();
      };
    }

    private int channels(Weights weights) {
      return this == SILU_GATE ? weights.rows() / 2 : weights.rows();
    }
  }

  /**
   * Makes room for inputs of up to {@code maxRows} rows of up to {@code maxColumns} channels; freed
   * when the arena closes.
   */
  public Workspace(Device device, Arena arena, int maxRows, int maxColumns) {
    this.handle =
        NativeCalls.own(
            arena,
            out -> Sinkstream.sks_workspace_create(device.handle(), maxRows, maxColumns, out),
            Sinkstream::sks_workspace_destroy);
  }

  /**
   * A linear layer, and what comes before and after it.
   *
   * @param norm of the input, or null for none
   * @param rows how many rows of {@code x} and {@code y} take part
   */
  public void linear(
      Weights weights, @Nullable Norm norm, Tensor x, int rows, Tensor y, Output output) {
    x.require("input of the linear layer", rows, weights.columns());
    y.require("output of the linear layer", rows, output.channels(weights));
    if (norm != null && norm.columns() != weights.columns()) {
      throw new IllegalArgumentException(
          "a norm of %d channels before weights of %d"
              .formatted(norm.columns(), weights.columns()));
    }
    NativeCalls.check(
        Sinkstream.sks_linear(
            handle,
            weights.handle(),
            norm == null ? MemorySegment.NULL : norm.handle(),
            x.data(),
            rows,
            y.data(),
            output.code()));
  }
}
