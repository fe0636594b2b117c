package org.sinkstream.checkpoint;

import java.util.Arrays;
import java.util.Optional;
import org.sinkstream.kernels.ElementType;

/** Tensor types of GGUF files ({@code enum ggml_type}), those that were removed left out. */
enum GgmlType {
  F32(0, ElementType.F32),
  F16(1, ElementType.F16),
  Q4_0(2, ElementType.Q4_0),
  Q4_1(3, 32, 20),
  Q5_0(6, 32, 22),
  Q5_1(7, 32, 24),
  Q8_0(8, ElementType.Q8_0),
  Q8_1(9, 32, 36),
  Q2_K(10, 256, 84),
  Q3_K(11, 256, 110),
  Q4_K(12, ElementType.Q4_K),
  Q5_K(13, ElementType.Q5_K),
  Q6_K(14, ElementType.Q6_K),
  Q8_K(15, 256, 292),
  IQ2_XXS(16, 256, 66),
  IQ2_XS(17, 256, 74),
  IQ3_XXS(18, 256, 98),
  IQ1_S(19, 256, 50),
  IQ4_NL(20, 32, 18),
  IQ3_S(21, 256, 110),
  IQ2_S(22, 256, 82),
  IQ4_XS(23, 256, 136),
  I8(24, 1, 1),
  I16(25, 1, 2),
  I32(26, 1, 4),
  I64(27, 1, 8),
  F64(28, 1, 8),
  IQ1_M(29, 256, 56),
  BF16(30, ElementType.BF16),
  TQ1_0(34, 256, 54),
  TQ2_0(35, 256, 66),
  MXFP4(39, 32, 17),
  NVFP4(40, 64, 36),
  Q1_0(41, 128, 18);

  private final int number;
  private final int blockValues;
  private final int blockBytes;
  private final Optional<ElementType> elementType;

  GgmlType(int number, ElementType type) {
    this.number = number;
    this.blockValues = type.blockValues();
    this.blockBytes = type.blockBytes();
    this.elementType = Optional.of(type);
  }

  GgmlType(int number, int blockValues, int blockBytes) {
    this.number = number;
    this.blockValues = blockValues;
    this.blockBytes = blockBytes;
    this.elementType = Optional.empty();
  }

  /** The type's number in the file. */
  int number() {
    return number;
  }

  /** Elements of a block. */
  int blockValues() {
    return blockValues;
  }

  /** Bytes of a block. */
  int blockBytes() {
    return blockBytes;
  }

  /** What the kernels call it; empty where they cannot read it. */
  Optional<ElementType> elementType() {
    return elementType;
  }

  /** The type of that number; empty where it is unknown or was removed. */
  static Optional<GgmlType> numbered(int number) {
    return Arrays.stream(values()).filter(type -> type.number == number).findFirst();
  }

  /** The type that the kernels call so. */
  static GgmlType of(ElementType type) {
    return valueOf(type.name());
  }
}
