package org.sinkstream.graph;

import java.lang.foreign.Arena;
import java.util.List;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.ElementType;
import org.sinkstream.kernels.Weights;

/**
 * Tensors of equal width that a network has as one matrix.
 *
 * @param columns of all of them
 * @param parts one below the other
 */
public record StackedWeights(int columns, List<Weights.Part> parts) {
  /** Makes the matrix; the arena owns it, and must not outlive the parts' data. */
  Weights load(Device device, Arena arena) {
    return new Weights(device, arena, columns, parts);
  }

  /** The same, to be left where it is. */
  StackedWeights unpacked() {
    return new StackedWeights(columns, parts.stream().map(Weights.Part::unpacked).toList());
  }

  /** Bytes of its tensors in the checkpoint. */
  long bytes() {
    return parts.stream().mapToLong(part -> part.data().byteSize()).sum();
  }

  /** Output channels of all parts together. */
  public long rows() {
    return parts.stream().mapToLong(Weights.Part::rows).sum();
  }

  /**
   * What it is held as on a GPU ({@code cuda/backend/weights.c}): what all parts become, or, where
   * that is not one type, f16, or float32 where that is among them. Quantised parts become f16,
   * too, where one does not begin with a tile of rows.
   */
  public ElementType onGpu() {
    List<ElementType> types =
        parts.stream().map(part -> part.type().onGpu(part.packed())).distinct().toList();
    if (types.size() == 1 && (types.getFirst().blockValues() == 1 || beginWithTiles())) {
      return types.getFirst();
    }
    return types.contains(ElementType.F32) ? ElementType.F32 : ElementType.F16;
  }

  private boolean beginWithTiles() {
    return parts.stream()
        .limit(parts.size() - 1L)
        .allMatch(part -> part.rows() % ElementType.ROW_TILE == 0);
  }

  /** Bytes that a GPU holds of it, but for its bias. */
  public long bytesOnGpu() {
    return onGpu().bytesOnGpu(rows(), columns);
  }
}
