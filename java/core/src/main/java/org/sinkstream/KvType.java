package org.sinkstream;

import org.sinkstream.kernels.ElementType;

/** Element type of cached keys and values. */
public enum KvType {
  /** IEEE binary16: half the memory, the default. */
  F16(ElementType.F16),
  /** bfloat16. */
  BF16(ElementType.BF16),
  /** IEEE binary32: exact. */
  F32(ElementType.F32),
  /** 8 bits, a scale for each 32 channels: about half of f16's memory. */
  Q8_0(ElementType.Q8_0);

  private final ElementType elementType;

  KvType(ElementType elementType) {
    this.elementType = elementType;
  }

  ElementType elementType() {
    return elementType;
  }

  /** As users write it, e.g. {@code q8_0}. */
  @Override
  public String toString() {
    return elementType.toString();
  }
}
