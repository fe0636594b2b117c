package org.sinkstream.synthetic;

import java.util.List;
import org.sinkstream.kernels.ElementType;

/**
 * A tensor that a model has.
 *
 * @param name in Hugging Face checkpoints
 * @param ggufName in GGUF files
 * @param shape outermost dimension first: a matrix, or the vector of a norm or a bias
 */
record SyntheticTensor(String name, String ggufName, List<Long> shape) {
  boolean isMatrix() {
    return shape.size() == 2;
  }

  boolean isNormWeight() {
    return !isMatrix() && name.endsWith(".weight");
  }

  /** Numbers in a row. */
  int columns() {
    return Math.toIntExact(shape.getLast());
  }

  long rows() {
    return isMatrix() ? shape.getFirst() : 1;
  }

  /** Bytes of its numbers. */
  long bytes(ElementType type) {
    return Math.multiplyExact(rows(), type.bytes(columns()));
  }
}
