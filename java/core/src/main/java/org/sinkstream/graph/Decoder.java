package org.sinkstream.graph;

import org.sinkstream.kernels.QkvLayout;
import org.sinkstream.kernels.Weights;

/**
 * One family's decoder: its weights and its equations. Immutable and thread-safe; everything that changes in a step is in the
 * {@link Pass}.
 */
interface Decoder {
  /** The token embedding [vocabulary, hidden]. */
  Weights embedding();

  /** The output head [vocabulary, hidden]: logits of a final hidden state. */
  Weights head();

  /** Where Q, K and V lie in a row of the fused QKV layer. */
  QkvLayout qkvLayout();

  /** Widths of the intermediate activations. */
  Widths widths();

  /** Takes the embedded rows in {@code pass.x} through all layers and the final norm, in place. */
  void forward(Pass pass);

  /**
   * Widths, in floats, of what a layer computes on the way.
   *
   * @param hidden the residual stream
   * @param attention all query heads
   * @param up what the first MLP layer gives; gate and up together where there is a gate
   * @param inner what the second MLP layer takes
   */
  record Widths(int hidden, int attention, int up, int inner) {}
}
