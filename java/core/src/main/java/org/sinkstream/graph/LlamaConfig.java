package org.sinkstream.graph;

import java.util.Optional;
import org.sinkstream.checkpoint.Config;

/**
 * Llama, Mistral and Qwen2 (HF {@code configuration_llama.py}, {@code configuration_mistral.py},
 * {@code configuration_qwen2.py}).
 *
 * @param intermediate inner width of the MLP
 * @param normEpsilon of every RMS norm
 * @param qkvBias whether the Q, K and V layers have biases
 * @param outputBias whether attention's output layer has a bias
 * @param mlpBias whether the MLP's layers have biases
 */
public record LlamaConfig(
    String architecture,
    int layers,
    int hidden,
    int intermediate,
    int heads,
    int kvHeads,
    int headDim,
    int vocabulary,
    int trainedContext,
    double normEpsilon,
    boolean tiedEmbeddings,
    boolean qkvBias,
    boolean outputBias,
    boolean mlpBias,
    Optional<RopeConfig> rope,
    SinkConfig sinks)
    implements ModelConfig {

  static LlamaConfig read(Config config) {
    String architecture = config.string("model_type");
    int hidden = config.positiveInt("hidden_size");
    int heads = config.positiveInt("num_attention_heads");
    int kvHeads =
        architecture.equals("llama")
            ? config.positiveInt("num_key_value_heads", heads)
            : config.positiveInt("num_key_value_heads");
    int headDim =
        config.has("head_dim")
            ? config.positiveInt("head_dim")
            : Heads.dimension(config, "hidden_size", hidden, "num_attention_heads", heads);
    Heads.check(config, heads, "num_key_value_heads", kvHeads, headDim);
    int trainedContext = config.positiveInt("max_position_embeddings");
    config.only("hidden_act", "silu");
    config.only("rope_interleaved", false);
    config.only("use_mrope", false);
    refuseSlidingWindow(config, architecture, trainedContext);
    boolean attentionBias = architecture.equals("llama") && config.bool("attention_bias", false);
    return new LlamaConfig(
        architecture,
        config.positiveInt("num_hidden_layers"),
        hidden,
        config.positiveInt("intermediate_size"),
        heads,
        kvHeads,
        headDim,
        config.positiveInt("vocab_size"),
        trainedContext,
        config.positiveFinite("rms_norm_eps"),
        config.bool("tie_word_embeddings", false),
        attentionBias || architecture.equals("qwen2"),
        attentionBias,
        architecture.equals("llama") && config.bool("mlp_bias", false),
        Optional.of(RopeConfig.read(config, headDim, 1)),
        SinkConfig.read(config));
  }

  /**
   * A model's own window would hide tokens that a cache policy keeps: only where it hides none is
   * it safe to go on.
   */
  private static void refuseSlidingWindow(Config config, String architecture, int trainedContext) {
    config.only("use_sliding_window", false);
    config.onlyEach("layer_types", "full_attention");
    config.ignore("max_window_layers");
    if (architecture.equals("qwen2")) {
      config.ignore("sliding_window"); // means nothing without use_sliding_window
    } else if (config.has("sliding_window")
        && config.positiveInt("sliding_window") < trainedContext) {
      throw config.refuse(
          "sliding_window",
          "null or at least %s (%d): here the cache policy sets the window"
              .formatted(config.name("max_position_embeddings"), trainedContext));
    }
  }
}
