package org.sinkstream.graph;

import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import org.sinkstream.kernels.Norm;
import org.sinkstream.kernels.QkvLayout;
import org.sinkstream.kernels.Tensor;
import org.sinkstream.kernels.Weights;

/** MPT (HF {@code modeling_mpt.py}): pre-norm, ALiBi, Q, K and V optionally clipped. */
final class MptDecoder {
  private MptDecoder() {}

  static Decoder load(WeightLoader in, MptConfig c) {
    WeightLoader.Ends ends = in.ends("transformer.wte", "lm_head", c);
    return new Decoder(
        ends.embedding(),
        Decoder.layers(c, "transformer.blocks", prefix -> Layer.load(in, c, prefix)),
        in.layerNorm("transformer.norm_f", c.hidden(), c.normEpsilon(), c.biased()),
        ends.head(),
        QkvLayout.stacked(c.heads(), c.kvHeads(), c.headDim()),
        Decoder.Widths.of(c));
  }

  private record Layer(
      Norm attentionNorm,
      Weights qkv,
      OptionalDouble clipQkv,
      @Nullable Tensor sinkLogits,
      Weights output,
      Norm mlpNorm,
      Weights up,
      Weights down)
      implements Decoder.Layer {
    static Layer load(WeightLoader in, MptConfig c, String prefix) {
      int queries = c.heads() * c.headDim();
      int all = (c.heads() + 2 * c.kvHeads()) * c.headDim();
      return new Layer(
          in.layerNorm(prefix + "norm_1", c.hidden(), c.normEpsilon(), c.biased()),
          in.linear(prefix + "attn.Wqkv", all, c.hidden(), c.biased()),
          c.clipQkv(),
          in.sinkLogits(prefix + "attn.sinks", c),
          in.linear(prefix + "attn.out_proj", c.hidden(), queries, c.biased()),
          in.layerNorm(prefix + "norm_2", c.hidden(), c.normEpsilon(), c.biased()),
          in.linear(prefix + "ffn.up_proj", c.intermediate(), c.hidden(), c.biased()),
          in.linear(prefix + "ffn.down_proj", c.hidden(), c.intermediate(), c.biased()));
    }

    @Override
    public void forward(Pass p, int index) {
      p.linear(qkv, attentionNorm, p.x, p.qkv);
      clipQkv.ifPresent(p::clampQkv);
      p.attend(index, sinkLogits);
      p.addLinear(output, p.attention, p.x);

      p.geluLinear(up, mlpNorm, Gelu.EXACT, p.x, p.inner);
      p.addLinear(down, p.inner, p.x);
    }
  }
}
