package org.sinkstream.graph;

import java.lang.foreign.Arena;
import java.util.List;
import org.sinkstream.kernels.Device;
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
}
