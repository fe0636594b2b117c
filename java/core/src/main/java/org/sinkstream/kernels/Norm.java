package org.sinkstream.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.sinkstream.kernels.ffi.Sinkstream;
import org.sinkstream.kernels.ffi.sks_norm;

/** A normalisation with its learned parameters ({@code norm.h}). Immutable and thread-safe. */
public final class Norm {
  private final MemorySegment handle;
  private final int columns;

  private Norm(Arena arena, int kind, Tensor weight, @Nullable Tensor bias, float epsilon) {
    this.columns = weight.columns();
    this.handle = sks_norm.allocate(arena);
    sks_norm.kind(handle, kind);
    sks_norm.weight(handle, weight.data());
    sks_norm.bias(handle, bias == null ? MemorySegment.NULL : bias.data());
    sks_norm.epsilon(handle, epsilon);
    if (bias != null) {
      bias.require("bias of the norm", 1, columns);
    }
  }

  /**
   * A root-mean-square norm (HF LlamaRMSNorm).
   *
   * @param arena of the parameters or one that closes before
   * @param weight [1, columns]
   */
  public static Norm rms(Arena arena, Tensor weight, float epsilon) {
    return new Norm(arena, Sinkstream.SKS_RMS_NORM(), weight, null, epsilon);
  }

  /**
   * A layer norm (torch LayerNorm).
   *
   * @param arena of the parameters or one that closes before
   * @param weight [1, columns]
   * @param bias [1, columns], or null for none
   */
  public static Norm layer(Arena arena, Tensor weight, @Nullable Tensor bias, float epsilon) {
    return new Norm(arena, Sinkstream.SKS_LAYER_NORM(), weight, bias, epsilon);
  }

  /** Channels of a row. */
  public int columns() {
    return columns;
  }

  MemorySegment handle() {
    return handle;
  }
}
