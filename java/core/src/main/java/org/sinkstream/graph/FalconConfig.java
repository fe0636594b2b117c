package org.sinkstream.graph;

import java.util.Optional;
import org.sinkstream.checkpoint.Config;

/**
 * Falcon with rotary positions and parallel attention (HF {@code configuration_falcon.py}), and its
 * first spelling, {@code RefinedWeb}.
 *
 * @param intermediate inner width of the MLP
 * @param normEpsilon of every layer norm
 * @param biased whether linear layers have biases; norms always do
 * @param twoNorms whether attention and MLP have a norm each ({@code ln_attn}, {@code ln_mlp}) or
 *     share one ({@code input_layernorm})
 */
public record FalconConfig(
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
    boolean twoNorms,
    Optional<RopeConfig> rope,
    SinkConfig sinks)
    implements ModelConfig {

  static FalconConfig read(Config config) {
    String architecture = config.string("model_type");
    String headsField = config.spelled("num_attention_heads", "n_head");
    int heads = config.positiveInt(headsField);
    int hidden = config.positiveInt(config.spelled("hidden_size", "n_embed"));
    int headDim = Heads.dimension(config, "hidden_size", hidden, headsField, heads);
    boolean newArchitecture =
        config.bool("new_decoder_architecture", architecture.equals("RefinedWeb"));
    String kvHeadsField = config.spelled("num_kv_heads", "n_head_kv");
    int kvHeads = kvHeads(config, newArchitecture, kvHeadsField, heads);
    Heads.check(config, heads, kvHeadsField, kvHeads, headDim);
    config.only("activation", "gelu");
    config.only("alibi", false);
    config.only("parallel_attn", true);
    config.only("apply_residual_connection_post_layernorm", false);
    return new FalconConfig(
        architecture,
        config.positiveInt(config.spelled("num_hidden_layers", "n_layer")),
        hidden,
        intermediate(config, hidden),
        heads,
        kvHeads,
        headDim,
        config.positiveInt("vocab_size"),
        config.positiveInt("max_position_embeddings", 2048),
        config.positiveFinite("layer_norm_epsilon"),
        config.bool("tie_word_embeddings", true),
        config.bool("bias", false),
        twoNorms(config, newArchitecture),
        Optional.of(RopeConfig.read(config, headDim, 1)),
        SinkConfig.read(config));
  }

  private static int kvHeads(
      Config config, boolean newArchitecture, String kvHeadsField, int heads) {
    boolean multiQuery = config.bool("multi_query", true);
    if (newArchitecture) {
      return config.positiveInt(kvHeadsField, heads);
    }
    if (multiQuery) {
      config.ignore(kvHeadsField); // HF writes the number of query heads here
      return 1;
    }
    config.only(kvHeadsField, heads);
    return heads;
  }

  private static int intermediate(Config config, int hidden) {
    int factor = config.positiveInt("ff_factor", 4);
    int implied = config.product("ff_factor", factor, hidden);
    int intermediate = config.positiveInt("ffn_hidden_size", implied);
    if (config.has("ff_factor")) {
      config.only("ffn_hidden_size", implied);
    }
    return intermediate;
  }

  private static boolean twoNorms(Config config, boolean newArchitecture) {
    int norms = config.positiveInt("num_ln_in_parallel_attn", newArchitecture ? 2 : 1);
    if (norms > (newArchitecture ? 2 : 1)) {
      throw config.refuse(
          "num_ln_in_parallel_attn", newArchitecture ? "1 or 2" : "1 in the first architecture");
    }
    return norms == 2;
  }
}
