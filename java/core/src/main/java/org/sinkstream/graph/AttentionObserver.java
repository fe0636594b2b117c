package org.sinkstream.graph;

/** Is shown what a token attends to, layer after layer. */
public interface AttentionObserver {
  /**
   * One layer has attended.
   *
   * @param weights [heads, keys], row-major: of each head the softmax over the tokens that the
   *     token sees, in the order of the stream
   */
  void attended(int layer, float[] weights);
}
