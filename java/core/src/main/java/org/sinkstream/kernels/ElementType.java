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
