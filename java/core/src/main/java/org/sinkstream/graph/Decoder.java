package org.sinkstream.graph;

import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sinkstream.kernels.Norm;
import org.sinkstream.kernels.QkvLayout;
import org.sinkstream.kernels.Tensor;
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

    /** Sink logits of its attention, [1, heads]; null where it has none. */
    @Nullable Tensor sinkLogits();
  }

  /**
   * Widths, in floats, of what a layer computes on the way.
   *
   * @param hidden the residual stream
   * @param attention all query heads
   * @param inner what the MLP's second layer takes
   */
  record Widths(int hidden, int attention, int inner) {
    static Widths of(ModelConfig c) {
      return new Widths(c.hidden(), c.heads() * c.headDim(), c.intermediate());
    }

    /** Of the widest input of a linear layer. */
    int most() {
      return Math.max(hidden, Math.max(attention, inner));
    }
  }

  /** Loads as many layers as the config says, each by the prefix of its tensors' names. */
  static <L extends Layer> List<L> layers(ModelConfig c, String prefix, Function<String, L> load) {
    return IntStream.range(0, c.layers())
        .mapToObj(i -> load.apply(prefix + "." + i + "."))
        .toList();
  }

  /** How many layers have sink logits. */
  long layersWithSinkLogits() {
    return layers.stream().filter(layer -> layer.sinkLogits() != null).count();
  }

  /** Takes the step's tokens through all layers, into {@code p.x}. */
  void forward(Pass p) {
    p.embed(embedding);
    for (int i = 0; i < layers.size(); i++) {
      layers.get(i).forward(p, i);
    }
  }
}
