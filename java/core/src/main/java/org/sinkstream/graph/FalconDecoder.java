package org.sinkstream.graph;

import org.jspecify.annotations.Nullable;
import org.sinkstream.kernels.Norm;
import org.sinkstream.kernels.Tensor;
import org.sinkstream.kernels.Weights;

/**
 * Falcon (HF {@code modeling_falcon.py}): attention and MLP in parallel, from one norm (7B, 11B) or
 * one each (40B, 180B); rotary; multi-query or grouped KV.
 */
final class FalconDecoder {
  private FalconDecoder() {}

  static Decoder load(WeightLoader in, FalconConfig c) {
    WeightLoader.Ends ends = in.ends("transformer.word_embeddings", "lm_head", c);
    return new Decoder(
        ends.embedding(),
        Decoder.layers(c, "transformer.h", prefix -> Layer.load(in, c, prefix)),
        in.layerNorm("transformer.ln_f", c.hidden(), c.normEpsilon(), true),
        ends.head(),
        in.groupedQkv(c.heads(), c.kvHeads(), c.headDim()),
        Decoder.Widths.of(c));
  }

  /** With one norm for both, {@code mlpNorm} is {@code attentionNorm}. */
  private record Layer(
      Norm attentionNorm,
      Norm mlpNorm,
      Weights qkv,
      @Nullable Tensor sinkLogits,
      Weights output,
      Weights up,
      Weights down)
      implements Decoder.Layer {
    static Layer load(WeightLoader in, FalconConfig c, String prefix) {
      String attention = prefix + "self_attention.";
      String mlp = prefix + "mlp.";
      int queries = c.heads() * c.headDim();
      int all = (c.heads() + 2 * c.kvHeads()) * c.headDim();
      Norm first = norm(in, c, prefix + (c.twoNorms() ? "ln_attn" : "input_layernorm"));
      return new Layer(
          first,
          c.twoNorms() ? norm(in, c, prefix + "ln_mlp") : first,
          in.linear(attention + "query_key_value", all, c.hidden(), c.biased()),
          in.sinkLogits(attention + "sinks", c),
          in.linear(attention + "dense", c.hidden(), queries, c.biased()),
          in.linear(mlp + "dense_h_to_4h", c.intermediate(), c.hidden(), c.biased()),
          in.linear(mlp + "dense_4h_to_h", c.hidden(), c.intermediate(), c.biased()));
    }

    private static Norm norm(WeightLoader in, FalconConfig c, String name) {
      return in.layerNorm(name, c.hidden(), c.normEpsilon(), true);
    }

    @Override
    public void forward(Pass p, int index) {
      p.linear(qkv, attentionNorm, p.x, p.qkv);
      p.attend(index, sinkLogits);
      p.geluLinear(up, mlpNorm, Gelu.EXACT, p.x, p.inner);

      p.addLinear(output, p.attention, p.x);
      p.addLinear(down, p.inner, p.x);
    }
  }
}
