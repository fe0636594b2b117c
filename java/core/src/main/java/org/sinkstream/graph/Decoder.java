package org.sinkstream.graph;

import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.sinkstream.kernels.QkvLayout;
import org.sinkstream.kernels.Weights;

/**
 * A decoder-only model: embedding, layers, final norm, output head. Immutable and thread-safe;
 * everything that changes in a step is in the {@link Pass}.
 *
 * @param embedding of the tokens, [vocabulary, hidden]
 * @param layers in order
 * @param finalNorm before the head
 * @param head logits of a final hidden state, [vocabulary, hidden]
 * @param qkvLayout where Q, K and V lie in a row of the layers' fused QKV output
 * @param widths of the intermediate activations
 */
record Decoder(
    Weights embedding,
    List<? extends Layer> layers,
    Norm finalNorm,
    Weights head,
    QkvLayout qkvLayout,
    Widths widths) {

  /** One layer of a family: its weights and its equations. */
  interface Layer {
    /** Takes the rows in {@code p.x} through this layer, in place. */
    void forward(Pass p, int index);
  }

  /**
   * Widths, in floats, of what a layer computes on the way.
   *
   * @param hidden the residual stream
   * @param attention all query heads
   * @param up what the first MLP layer gives; gate and up together where there is a gate
   * @param inner what the second MLP layer takes
   */
  record Widths(int hidden, int attention, int up, int inner) {
    /** Of an MLP with a gate. */
    static Widths gated(ModelConfig c) {
      return new Widths(
          c.hidden(), c.heads() * c.headDim(), 2 * c.intermediate(), c.intermediate());
    }

    /** Of an MLP without a gate: its activation works in place. */
    static Widths ungated(ModelConfig c) {
      return new Widths(c.hidden(), c.heads() * c.headDim(), c.intermediate(), c.intermediate());
    }
  }

  /** Loads as many layers as the config says, each by the prefix of its tensors' names. */
  static <L extends Layer> List<L> layers(ModelConfig c, String prefix, Function<String, L> load) {
    return IntStream.range(0, c.layers())
        .mapToObj(i -> load.apply(prefix + "." + i + "."))
        .toList();
  }

  /** Takes the embedded rows in {@code p.x} through all layers and the final norm, in place. */
  void forward(Pass p) {
    for (int i = 0; i < layers.size(); i++) {
      layers.get(i).forward(p, i);
    }
    p.norm(finalNorm, p.x, p.x);
  }
}
