package org.sinkstream.kernels;

import java.util.Locale;
import org.sinkstream.kernels.ffi.Sinkstream;

/**
 * Element types of weights and of cached keys and values ({@code sks_type}). The quantised ones are
 * ggml's block formats: a row is a whole number of blocks.
 */
public enum ElementType {
  /** IEEE binary32. */
  F32(1, 4),
  /** IEEE binary16. */
  F16(1, 2),
  /** bfloat16: the upper half of a binary32. */
  BF16(1, 2),
  /** 8 bits, a scale for 32 values. */
  Q8_0(32, 34),
  /** 4 bits, a scale for 32 values. */
  Q4_0(32, 18),
  /** 4 bits, scales and minima in two levels. */
  Q4_K(256, 144),
  /** 5 bits, scales and minima in two levels. */
  Q5_K(256, 176),
  /** 6 bits, scales in two levels. */
  Q6_K(256, 210);

  /** Rows of quantised weights whose scales lie together on a GPU. */
  public static final int ROW_TILE = 4;

  private final int blockValues;
  private final int blockBytes;

  ElementType(int blockValues, int blockBytes) {
    this.blockValues = blockValues;
    this.blockBytes = blockBytes;
  }

  /** Elements of a block, the smallest run that stands alone: 1 where nothing is quantised. */
  public int blockValues() {
    return blockValues;
  }

  /** Bytes of a block. */
  public int blockBytes() {
    return blockBytes;
  }

  /**
   * Bytes of {@code count} elements.
   *
   * @throws IllegalArgumentException if that is no whole number of blocks
   * @throws ArithmeticException if it overflows
   */
  public long bytes(long count) {
    if (count % blockValues != 0) {
      throw new IllegalArgumentException(
          "%d elements of %s; expected a multiple of %d".formatted(count, this, blockValues));
    }
    return Math.multiplyExact(count / blockValues, (long) blockBytes);
  }

  /** Whether weights of it can be copied into an order of the kernels' own ({@code linear.h}). */
  public boolean packs() {
    return this != F32 && this != F16;
  }

  /**
   * What weights of it become on a GPU ({@code linear.h}).
   *
   * @param rounded whether float32 may become f16
   */
  public ElementType onGpu(boolean rounded) {
    return switch (this) {
      case Q4_K, Q5_K -> F16;
      case F32 -> rounded ? F16 : F32;
      case F16, BF16, Q8_0, Q4_0, Q6_K -> this;
    };
  }

  /**
   * Bytes of a matrix on a GPU that holds it as this type ({@code cuda/kernels/matrix.h}): rows of
   * whole 16 bytes, and for each tile of them f16 scales.
   *
   * @throws IllegalArgumentException if a GPU holds none as this type
   */
  public long bytesOnGpu(long rows, long columns) {
    return switch (this) {
      case F32 -> rows * rounded(columns * 4);
      case F16, BF16 -> rows * rounded(columns * 2);
      case Q8_0 -> rows * rounded(columns) + scalesOnGpu(rows, columns / 32);
      case Q4_0 -> rows * rounded(columns / 2) + scalesOnGpu(rows, columns / 32);
      case Q6_K -> rows * rounded(columns) + scalesOnGpu(rows, columns / 16);
      case Q4_K, Q5_K -> throw new IllegalArgumentException("a GPU holds no " + this);
    };
  }

  private static long scalesOnGpu(long rows, long count) {
    return Math.ceilDiv(rows, ROW_TILE) * rounded(count * ROW_TILE * Short.BYTES);
  }

  private static long rounded(long bytes) {
    return Math.ceilDiv(bytes, 16) * 16;
  }

  /** The value of {@code enum sks_type}. */
  public int code() {
    return switch (this) {
      case F32 -> Sinkstream.SKS_F32();
      case F16 -> Sinkstream.SKS_F16();
      case BF16 -> Sinkstream.SKS_BF16();
      case Q8_0 -> Sinkstream.SKS_Q8_0();
      case Q4_0 -> Sinkstream.SKS_Q4_0();
      case Q4_K -> Sinkstream.SKS_Q4_K();
      case Q5_K -> Sinkstream.SKS_Q5_K();
      case Q6_K -> Sinkstream.SKS_Q6_K();
    };
  }

  /** As users write it, e.g. {@code q4_k}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
