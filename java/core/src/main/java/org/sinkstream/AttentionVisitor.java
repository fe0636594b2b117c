package org.sinkstream;

/** Is shown what tokens attend to. */
public interface AttentionVisitor {
  /**
   * What one token attends to in one layer.
   *
   * @param position of the token in its stream
   * @param layer from 0 on
   * @param weights [heads, keys], row-major: each head's softmax over the tokens that the token
   *     sees, sink tokens first, then the window up to the token itself; they add up to 1, or to
   *     less where the model has sink logits
   */
  void visit(long position, int layer, float[] weights);
}
