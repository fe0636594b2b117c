package org.sinkstream.checkpoint;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.sinkstream.kernels.ElementType;

/**
 * A tensor of a container, whatever its type.
 *
 * @param typeName its type as the container calls it
 * @param type what the kernels call it; empty where they cannot read it
 * @param shape its dimensions, outermost first
 * @param data its bytes, read-only, at any alignment
 */
public record StoredTensor(
    String name,
    String typeName,
    Optional<ElementType> type,
    List<Long> shape,
    MemorySegment data) {
  /** How many numbers it holds. */
  public long elements() {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }
}
