package org.sinkstream.graph;

import org.jspecify.annotations.Nullable;
import org.sinkstream.kernels.Norm;
import org.sinkstream.kernels.Tensor;
import org.sinkstream.kernels.Weights;

/**
 * Pythia and GPT-NeoX (HF {@code modeling_gpt_neox.py}): biases; partial rotary; attention and MLP
 * in parallel, or one after the other.
 */
final class PythiaDecoder {
  private PythiaDecoder() {}

  static Decoder load(WeightLoader in, PythiaConfig c) {
    WeightLoader.Ends ends = in.ends("gpt_neox.embed_in", "embed_out", c);
    return new Decoder(
        ends.embedding(),
        Decoder.layers(c, "gpt_neox.layers", prefix -> Layer.load(in, c, prefix)),
        in.layerNorm("gpt_neox.final_layer_norm", c.hidden(), c.normEpsilon(), true),
        ends.head(),
        in.groupedQkv(c.heads(), c.kvHeads(), c.headDim()),
        Decoder.Widths.of(c));
  }

  private record Layer(
      boolean parallel,
      Norm attentionNorm,
      Weights qkv,
      @Nullable Tensor sinkLogits,
      Weights output,
      Norm mlpNorm,
      Weights up,
      Gelu gelu,
      Weights down)
      implements Decoder.Layer {
    static Layer load(WeightLoader in, PythiaConfig c, String prefix) {
      String attention = prefix + "attention.";
      String mlp = prefix + "mlp.";
      int hidden = c.hidden();
      return new Layer(
          c.parallelResidual(),
          in.layerNorm(prefix + "input_layernorm", hidden, c.normEpsilon(), true),
          in.linear(attention + "query_key_value", 3 * hidden, hidden, c.attentionBias()),
          in.sinkLogits(attention + "sinks", c),
          in.linear(attention + "dense", hidden, hidden, c.attentionBias()),
          in.layerNorm(prefix + "post_attention_layernorm", hidden, c.normEpsilon(), true),
          in.linear(mlp + "dense_h_to_4h", c.intermediate(), hidden, true),
          c.gelu(),
          in.linear(mlp + "dense_4h_to_h", hidden, c.intermediate(), true));
    }

    @Override
    public void forward(Pass p, int index) {
      p.linear(qkv, attentionNorm, p.x, p.qkv);
      p.attend(index, sinkLogits);
      if (!parallel) {
        p.addLinear(output, p.attention, p.x);
      }

      p.geluLinear(up, mlpNorm, gelu, p.x, p.inner);
      if (parallel) {
        p.addLinear(output, p.attention, p.x);
      }
      p.addLinear(down, p.inner, p.x);
    }
  }
}
