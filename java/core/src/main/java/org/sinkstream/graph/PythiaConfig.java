package org.sinkstream.graph;

import java.util.Optional;
import org.sinkstream.checkpoint.Config;

/**
 * Pythia and other GPT-NeoX models (HF {@code configuration_gpt_neox.py}).
 *
 * @param intermediate inner width of the MLP
 * @param normEpsilon of every layer norm
 * @param attentionBias whether attention's linear layers have biases; those of the MLP and the
 *     norms always do
 * @param parallelResidual whether attention and MLP both read the layer's input
 * @param gelu the MLP's activation
 */
public record PythiaConfig(
    String architecture,
    int layers,
    int hidden,
    int intermediate,
    int heads,
    int headDim,
    int vocabulary,
    int trainedContext,
    double normEpsilon,
    boolean tiedEmbeddings,
    boolean attentionBias,
    boolean parallelResidual,
    Gelu gelu,
    Optional<RopeConfig> rope,
    SinkConfig sinks)
    implements ModelConfig {

  private static final double DEFAULT_ROTARY_FRACTION = 0.25;

  static PythiaConfig read(Config config) {
    int hidden = config.positiveInt("hidden_size");
    int heads = config.positiveInt("num_attention_heads");
    int headDim = Heads.dimension(config, "hidden_size", hidden, "num_attention_heads", heads);
    Heads.check(config, heads, "num_attention_heads", heads, headDim);
    return new PythiaConfig(
        config.string("model_type"),
        config.positiveInt("num_hidden_layers"),
        hidden,
        config.positiveInt("intermediate_size"),
        heads,
        headDim,
        config.positiveInt("vocab_size"),
        config.positiveInt("max_position_embeddings"),
        config.positiveFinite("layer_norm_eps"),
        config.bool("tie_word_embeddings", false),
        config.bool("attention_bias", true),
        config.bool("use_parallel_residual", true),
        gelu(config),
        Optional.of(RopeConfig.read(config, headDim, DEFAULT_ROTARY_FRACTION)),
        SinkConfig.read(config));
  }

  /** Names as in HF {@code activations.py}. */
  private static Gelu gelu(Config config) {
    return switch (config.string("hidden_act", "gelu")) {
      case "gelu" -> Gelu.EXACT;
      case "gelu_new", "gelu_fast", "gelu_pytorch_tanh" -> Gelu.TANH;
      default ->
          throw config.refuse("hidden_act", "gelu, gelu_new, gelu_fast or gelu_pytorch_tanh");
    };
  }

  @Override
  public int kvHeads() {
    return heads;
  }
}
