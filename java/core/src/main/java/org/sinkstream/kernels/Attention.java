package org.sinkstream.kernels;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.sinkstream.kernels.ffi.Sinkstream;
import org.sinkstream.kernels.ffi.sks_attention_spec;

/**
 * Shape and positions of a model's attention ({@code attention.h}). Immutable and thread-safe; its
 * arena must outlive the caches and batches made for it.
 */
public final class Attention {
  /** What the channels of a head are a multiple of. */
  public static final int HEAD_DIM_STEP = Sinkstream.SKS_HEAD_DIM_STEP();

  /** Most channels of a head. */
  public static final int MAX_HEAD_DIM = Sinkstream.SKS_MAX_HEAD_DIM();

  private final Shape shape;
  private final Device device;
  private final MemorySegment handle;

  /**
   * What attention looks like in every layer.
   *
   * @param layers decoder layers
   * @param heads query heads
   * @param kvHeads key and value heads; divides {@code heads}
   * @param headDim channels of a head: a multiple of {@link #HEAD_DIM_STEP}, at most {@link
   *     #MAX_HEAD_DIM}
   * @param scale factor of the scores
   * @param inverseFrequencies radians per token of each rotated pair of channels; empty for no
   *     rotation
   * @param rotaryLayout which channels make such a pair
   * @param alibiSlopes one for each query head; empty for no bias
   */
  @SuppressWarnings(
      "ArrayRecordComponent") // plain data on its way to native memory, never compared
  public record Shape(
      int layers,
      int heads,
      int kvHeads,
      int headDim,
      float scale,
      double[] inverseFrequencies,
      RotaryLayout rotaryLayout,
      float[] alibiSlopes) {
    /** The same, with the frequency of each rotated pair divided by a number of its own. */
    public Shape withFrequenciesDividedBy(float[] divisors) {
      double[] divided = inverseFrequencies.clone();
      for (int i = 0; i < divided.length; i++) {
        divided[i] /= divisors[i];
      }
      return new Shape(layers, heads, kvHeads, headDim, scale, divided, rotaryLayout, alibiSlopes);
    }
  }

  /** Makes the description on a device; freed when the arena closes. */
  public Attention(Device device, Arena arena, Shape shape) {
    this.shape = shape;
    this.device = device;
    if (shape.alibiSlopes.length != 0 && shape.alibiSlopes.length != shape.heads) {
      throw new IllegalArgumentException(
          "%d ALiBi slopes for %d heads".formatted(shape.alibiSlopes.length, shape.heads));
    }
    try (Arena call = Arena.ofConfined()) {
      MemorySegment spec = sks_attention_spec.allocate(call);
      sks_attention_spec.layers(spec, shape.layers);
      sks_attention_spec.heads(spec, shape.heads);
      sks_attention_spec.kv_heads(spec, shape.kvHeads);
      sks_attention_spec.head_dim(spec, shape.headDim);
      sks_attention_spec.rotary_dim(spec, 2 * shape.inverseFrequencies.length);
      sks_attention_spec.rotary_layout(spec, shape.rotaryLayout.code());
      sks_attention_spec.scale(spec, shape.scale);
      sks_attention_spec.inverse_frequencies(
          spec,
          shape.inverseFrequencies.length == 0
              ? MemorySegment.NULL
              : call.allocateFrom(JAVA_DOUBLE, shape.inverseFrequencies));
      sks_attention_spec.alibi_slopes(
          spec,
          shape.alibiSlopes.length == 0
              ? MemorySegment.NULL
              : call.allocateFrom(JAVA_FLOAT, shape.alibiSlopes));
      this.handle =
          NativeCalls.own(
              arena,
              out -> Sinkstream.sks_attention_create(device.handle(), spec, out),
              Sinkstream::sks_attention_destroy);
    }
  }

  /** What it was made from. */
  public Shape shape() {
    return shape;
  }

  Device device() {
    return device;
  }

  MemorySegment handle() {
    return handle;
  }
}
