package org.sinkstream.kernels;

import java.util.List;

/**
 * How a GPU holds weights, known before any are there: what they become ({@code
 * cuda/backend/weights.c}), and the bytes of that ({@code cuda/kernels/matrix.h}).
 */
public final class GpuLayout {
  /** Rows of quantised weights whose scales lie together. */
  private static final int ROW_TILE = 4;

  /** Bytes that a row is rounded up to. */
  private static final int PITCH = 16;

  private GpuLayout() {}

  /**
   * What weights of a type become.
   *
   * @param rounded whether float32 may become f16
   */
  static ElementType heldAs(ElementType type, boolean rounded) {
    return switch (type) {
      case Q4_K, Q5_K -> ElementType.F16;
      case F32 -> rounded ? ElementType.F16 : ElementType.F32;
      case F16, BF16, Q8_0, Q4_0, Q6_K -> type;
    };
  }

  /**
   * What a matrix of some parts becomes: what all of them do, or, where that is not one type, f16,
   * or float32 where that is among them. Quantised parts become f16, too, where one does not begin
   * with a tile of rows.
   */
  public static ElementType heldAs(List<Weights.Part> parts) {
    List<ElementType> types =
        parts.stream().map(part -> heldAs(part.type(), part.packed())).distinct().toList();
    if (types.size() == 1 && (types.getFirst().blockValues() == 1 || beginWithTiles(parts))) {
      return types.getFirst();
    }
    return types.contains(ElementType.F32) ? ElementType.F32 : ElementType.F16;
  }

  private static boolean beginWithTiles(List<Weights.Part> parts) {
    return parts.stream().limit(parts.size() - 1L).allMatch(part -> part.rows() % ROW_TILE == 0);
  }

  /**
   * Bytes of a matrix that is held as a type, but for its bias: rows of whole 16 bytes, and for
   * each tile of them f16 scales.
   *
   * @throws IllegalArgumentException if a GPU holds none as this type
   */
  public static long bytes(ElementType type, long rows, long columns) {
    return switch (type) {
      case F32 -> rows * rounded(columns * 4);
      case F16, BF16 -> rows * rounded(columns * 2);
      case Q8_0 -> rows * rounded(columns) + scaleBytes(rows, columns / 32);
      case Q4_0 -> rows * rounded(columns / 2) + scaleBytes(rows, columns / 32);
      case Q6_K -> rows * rounded(columns) + scaleBytes(rows, columns / 16);
      case Q4_K, Q5_K -> throw new IllegalArgumentException("a GPU holds no " + type);
    };
  }

  private static long scaleBytes(long rows, long count) {
    return Math.ceilDiv(rows, ROW_TILE) * rounded(count * ROW_TILE * Short.BYTES);
  }

  private static long rounded(long bytes) {
    return Math.ceilDiv(bytes, PITCH) * PITCH;
  }
}
