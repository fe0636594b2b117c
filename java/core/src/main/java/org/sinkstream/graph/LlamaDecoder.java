package org.sinkstream.graph;

import java.util.List;
import java.util.stream.IntStream;
import org.sinkstream.graph.WeightLoader.Part;
import org.sinkstream.kernels.QkvLayout;
import org.sinkstream.kernels.Weights;

/** Llama, Mistral and Qwen2 (HF {@code modeling_llama.py}): pre-norm, rotary, gated MLP. */
final class LlamaDecoder implements Decoder {
  private record Layer(
      Norm attentionNorm, Weights qkv, Weights output, Norm mlpNorm, Weights gateUp, Weights down) {
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
          in.linear(attention + "o_proj", c.hidden(), queries, c.outputBias()),
          in.rmsNorm(prefix + "post_attention_layernorm", c.hidden(), c.normEpsilon()),
          in.linear(
              c.hidden(),
              new Part(mlp + "gate_proj", c.intermediate(), c.mlpBias()),
              new Part(mlp + "up_proj", c.intermediate(), c.mlpBias())),
          in.linear(mlp + "down_proj", c.hidden(), c.intermediate(), c.mlpBias()));
    }
  }

  private final LlamaConfig config;
  private final Weights embedding;
  private final List<Layer> layers;
  private final Norm finalNorm;
  private final Weights head;

  LlamaDecoder(WeightLoader in, LlamaConfig c) {
    this.config = c;
    this.embedding = in.linear("model.embed_tokens", c.vocabulary(), c.hidden(), false);
    this.layers =
        IntStream.range(0, c.layers())
            .mapToObj(i -> Layer.load(in, c, "model.layers." + i + "."))
            .toList();
    this.finalNorm = in.rmsNorm("model.norm", c.hidden(), c.normEpsilon());
    this.head =
        c.tiedEmbeddings() ? embedding : in.linear("lm_head", c.vocabulary(), c.hidden(), false);
  }

  @Override
  public void forward(Pass p) {
    for (int i = 0; i < layers.size(); i++) {
      Layer layer = layers.get(i);
      p.norm(layer.attentionNorm, p.x, p.h);
      p.linear(layer.qkv, p.h, p.qkv);
      p.attend(i);
      p.addLinear(layer.output, p.attention, p.x);

      p.norm(layer.mlpNorm, p.x, p.h);
      p.linear(layer.gateUp, p.h, p.up);
      p.siluGate();
      p.addLinear(layer.down, p.inner, p.x);
    }
    p.norm(finalNorm, p.x, p.x);
  }

  @Override
  public Weights embedding() {
    return embedding;
  }

  @Override
  public Weights head() {
    return head;
  }

  @Override
  public QkvLayout qkvLayout() {
    return QkvLayout.stacked(config.heads(), config.kvHeads(), config.headDim());
  }

  @Override
  public Widths widths() {
    return new Widths(
        config.hidden(),
        config.heads() * config.headDim(),
        2 * config.intermediate(),
        config.intermediate());
  }
}
