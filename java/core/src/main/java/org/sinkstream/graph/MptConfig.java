package org.sinkstream.graph;

import java.util.OptionalDouble;
import org.sinkstream.checkpoint.Config;

/**
 * MPT (HF {@code configuration_mpt.py}; grouped KV heads and biases as in MosaicML's llm-foundry).
 *
 * @param intermediate inner width of the MLP
 * @param normEpsilon of every layer norm
 * @param biased whether linear layers and norms have biases
 * @param clipQkv the absolute value that Q, K and V are clipped to
 * @param softmaxScale factor of the attention scores
 * @param alibiBiasMax the exponent of the smallest ALiBi slope
 */
public record MptConfig(
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
    boolean biased,
    OptionalDouble clipQkv,
    double softmaxScale,
    double alibiBiasMax,
    SinkConfig sinks)
    implements ModelConfig {

  static MptConfig read(Config config) {
    int hidden = config.positiveInt("d_model");
    int heads = config.positiveInt("n_heads");
    int headDim = Heads.dimension(config, "d_model", hidden, "n_heads", heads);
    Config attention = config.object("attn_config").orElseGet(() -> config.empty("attn_config"));
    int kvHeads = kvHeads(attention, heads);
    Heads.check(attention, heads, "kv_n_heads", kvHeads, headDim);
    refuseOtherAttention(attention);
    refuseOtherLayers(config);
    return new MptConfig(
        config.string("model_type"),
        config.positiveInt("n_layers"),
        hidden,
        config.product("expansion_ratio", config.positiveInt("expansion_ratio", 4), hidden),
        heads,
        kvHeads,
        headDim,
        config.positiveInt("vocab_size"),
        config.positiveInt("max_seq_len"),
        config.positiveFinite(config.spelled("layer_norm_epsilon", "norm_eps"), 1e-5),
        config.bool("tie_word_embeddings", true),
        !config.bool("no_bias", true),
        attention.optionalPositiveFinite("clip_qkv"),
        attention.positiveFinite("softmax_scale", 1 / Math.sqrt(headDim)),
        attention.positiveFinite("alibi_bias_max", 8),
        SinkConfig.read(config));
  }

  private static int kvHeads(Config attention, int heads) {
    return switch (attention.string("attn_type", "multihead_attention")) {
      case "multihead_attention" -> only(attention, heads);
      case "multiquery_attention" -> only(attention, 1);
      case "grouped_query_attention" -> attention.positiveInt("kv_n_heads");
      default ->
          throw attention.refuse(
              "attn_type", "multihead_attention, multiquery_attention or grouped_query_attention");
    };
  }

  private static int only(Config attention, int kvHeads) {
    attention.only("kv_n_heads", kvHeads);
    return kvHeads;
  }

  private static void refuseOtherAttention(Config attention) {
    attention.only("alibi", true);
    attention.only("rope", false);
    attention.only("prefix_lm", false);
    attention.only("qk_ln", false);
    attention.only("qk_gn", false);
    attention.only("attn_uses_sequence_id", false);
    attention.only("sliding_window_size", -1);
    attention.only("fused_qkv", true);
    attention.ignore("attn_impl", "attn_pdrop", "model_type");
    attention.ignore("rope_theta", "rope_impl", "rope_dail_config", "rope_hf_config");
  }

  private static void refuseOtherLayers(Config config) {
    config.only("norm_type", "low_precision_layernorm", "layernorm");
    config.only("fc_type", "torch");
    config
        .object("ffn_config")
        .ifPresent(ffn -> {
          ffn.only("ffn_type", "mptmlp");
          ffn.only("fc_type", "torch");
        });
    config.ignore("embedding_fraction", "init_config", "init_device", "verbose", "tokenizer_name");
    config.ignore("learned_pos_emb"); // there is no such embedding where there is ALiBi
  }

  /**
   * HF {@code build_mpt_alibi_tensor}: 2^(-alibi_bias_max * i / n) for i = 1..n, n the next power
   * of two; where that is more than there are heads, those of even i come first, then those of odd
   * i.
   */
  @Override
  public double[] alibiSlopes() {
    int count = Integer.highestOneBit(2 * heads - 1);
    double[] slopes = new double[heads];
    for (int head = 0; head < heads; head++) {
      int i = head + 1;
      if (count != heads) {
        i = head < count / 2 ? 2 * head + 2 : 2 * (head - count / 2) + 1;
      }
      slopes[head] = Math.pow(2, -alibiBiasMax * i / count);
    }
    return slopes;
  }
}
