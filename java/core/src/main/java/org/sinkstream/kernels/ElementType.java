package org.sinkstream.kernels;

import org.sinkstream.kernels.ffi.Sinkstream;

/** Element types of weights and of cached keys and values ({@code sks_type}). */
public enum ElementType {
  /** IEEE binary32. */
  F32(4),
  /** IEEE binary16. */
  F16(2),
  /** bfloat16: the upper half of a binary32. */
  BF16(2);

  private final int bytes;

  ElementType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** The value of {@code enum sks_type}. */
  int code() {
    return switch (this) {
      case F32 -> Sinkstream.SKS_F32();
      case F16 -> Sinkstream.SKS_F16();
      case BF16 -> Sinkstream.SKS_BF16();
    };
  }
}
