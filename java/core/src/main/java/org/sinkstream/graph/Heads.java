package org.sinkstream.graph;

import org.sinkstream.checkpoint.Config;
import org.sinkstream.kernels.Attention;

/** What must hold of attention heads in every family. */
final class Heads {
  private Heads() {}

  /** {@code hidden / heads}, refused where that is not whole. */
  static int dimension(
      Config config, String hiddenField, int hidden, String headsField, int heads) {
    if (hidden % heads != 0) {
      throw config.refuse(
          headsField, "a divisor of %s (%d)".formatted(config.name(hiddenField), hidden));
    }
    return hidden / heads;
  }

  /**
   * Refuses KV heads that do not divide the query heads, and heads that the kernels do not take.
   */
  static void check(Config config, int heads, String kvHeadsField, int kvHeads, int headDim) {
    if (heads % kvHeads != 0) {
      throw config.refuse(
          kvHeadsField, "a divisor of the number of attention heads (%d)".formatted(heads));
    }
    if (headDim % Attention.HEAD_DIM_STEP != 0 || headDim > Attention.MAX_HEAD_DIM) {
      throw config.contradiction(
          "heads have %d channels; expected a multiple of %d, at most %d"
              .formatted(headDim, Attention.HEAD_DIM_STEP, Attention.MAX_HEAD_DIM));
    }
    long columns = (heads + 2L * kvHeads) * headDim;
    if (columns > Config.MAX_SIZE) {
      throw config.contradiction(
          "query, key and value heads have %d channels in all; expected at most %d"
              .formatted(columns, Config.MAX_SIZE));
    }
  }
}
