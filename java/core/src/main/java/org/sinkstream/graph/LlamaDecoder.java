package org.sinkstream.graph;

import org.jspecify.annotations.Nullable;
import org.sinkstream.graph.WeightLoader.Part;
import org.sinkstream.kernels.Norm;
import org.sinkstream.kernels.QkvLayout;
import org.sinkstream.kernels.Tensor;
import org.sinkstream.kernels.Weights;

/** Llama, Mistral and Qwen2 (HF {@code modeling_llama.py}): pre-norm, rotary, gated MLP. */
final class LlamaDecoder {
  private LlamaDecoder() {}

  static Decoder load(WeightLoader in, LlamaConfig c) {
    WeightLoader.Ends ends = in.ends("model.embed_tokens", "lm_head", c);
    return new Decoder(
        ends.embedding(),
        Decoder.layers(c, "model.layers", prefix -> Layer.load(in, c, prefix)),
        in.rmsNorm("model.norm", c.hidden(), c.normEpsilon()),
        ends.head(),
        QkvLayout.stacked(c.heads(), c.kvHeads(), c.headDim()),
        Decoder.Widths.of(c));
  }

  private record Layer(
      Norm attentionNorm,
      Weights qkv,
      @Nullable Tensor sinkLogits,
      Weights output,
      Norm mlpNorm,
      Weights gateUp,
      Weights down)
      implements Decoder.Layer {
    static Layer load(WeightLoader in, LlamaConfig c, String prefix) {
      String attention = prefix + "self_attn.";
      String mlp = prefix + "mlp.";
      int queries = c.heads() * c.headDim();
      int keys = c.kvHeads() * c.headDim();
      return new Layer(
          in.rmsNorm(prefix + "input_layernorm", c.hidden(), c.normEpsilon()),
          in.linear(
              c.hidden(),
              new Part(attention + "q_proj", queries, c.qkvBias()),
              new Part(attention + "k_proj", keys, c.qkvBias()),
              new Part(attention + "v_proj", keys, c.qkvBias())),
          in.sinkLogits(attention + "sinks", c),
          in.linear(attention + "o_proj", c.hidden(), queries, c.outputBias()),
          in.rmsNorm(prefix + "post_attention_layernorm", c.hidden(), c.normEpsilon()),
          in.linear(
              c.hidden(),
              new Part(mlp + "gate_proj", c.intermediate(), c.mlpBias()),
              new Part(mlp + "up_proj", c.intermediate(), c.mlpBias())),
          in.linear(mlp + "down_proj", c.hidden(), c.intermediate(), c.mlpBias()));
    }

    @Override
    public void forward(Pass p, int index) {
      p.linear(qkv, attentionNorm, p.x, p.qkv);
      p.attend(index, sinkLogits);
      p.addLinear(output, p.attention, p.x);

      p.gatedLinear(gateUp, mlpNorm, p.x, p.inner);
      p.addLinear(down, p.inner, p.x);
    }
  }
}
