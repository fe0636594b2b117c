package org.sinkstream.checkpoint;

import static org.sinkstream.checkpoint.GgufArchitecture.FALCON;
import static org.sinkstream.checkpoint.GgufArchitecture.GPTNEOX;
import static org.sinkstream.checkpoint.GgufArchitecture.LLAMA;
import static org.sinkstream.checkpoint.GgufArchitecture.MPT;
import static org.sinkstream.checkpoint.GgufArchitecture.QWEN2;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.sinkstream.error.CheckpointException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Says in the fields of {@code config.json} what the metadata and the tensors of a GGUF file say,
 * so that one config of each family reads both containers. What no field can say is checked here.
 * What a key means, and what leaving it out does, is as in llama.cpp's {@code llama-model.cpp}.
 */
final class GgufConfig {
  /** Keys that change nothing, whatever their value. */
  private static final List<String> INERT =
      List.of(
          GgufKeys.NORM_EPSILON, // of the kind of norm that the architecture does not have
          GgufKeys.RMS_NORM_EPSILON,
          GgufKeys.POOLING_TYPE,
          GgufKeys.ROPE_SCALING_ORIGINAL_CONTEXT, // of scalings that are refused by their type
          GgufKeys.ROPE_SCALING_FINETUNED);

  private final Path file;
  private final GgufMetadata metadata;
  private final Set<String> tensors;
  private final GgufArchitecture architecture;
  private final JsonNodeFactory json = JsonNodeFactory.instance;
  private final ObjectNode fields = json.objectNode();
  private final Map<String, String> names = new HashMap<>();
  private final Config config;
  private final Set<String> known = new HashSet<>();

  private GgufConfig(Path file, GgufFile gguf, GgufArchitecture architecture) {
    this.file = file;
    this.metadata = gguf.metadata();
    this.tensors = gguf.tensors().keySet();
    this.architecture = architecture;
    this.config = Config.of(file.toString(), fields, names);
  }

  /**
   * Translates a file's metadata.
   *
   * @param vocabulary rows of the embedding
   */
  static Config read(Path file, GgufFile gguf, GgufArchitecture architecture, long vocabulary) {
    return new GgufConfig(file, gguf, architecture).read(vocabulary);
  }

  private Config read(long vocabulary) {
    fields.put("model_type", architecture.modelType());
    architecture.settings().forEach(this::translate);
    names.put("vocab_size", "the number of rows of token_embd.weight");
    fields.put("vocab_size", vocabulary);
    fields.put("tie_word_embeddings", !tensors.contains(GgufArchitecture.HEAD));
    translateTensors();
    translateSinkToken();
    int hidden = size(GgufKeys.EMBEDDING_LENGTH);
    int heads = size(GgufKeys.HEAD_COUNT);
    if (!fields.has("head_dim") && hidden % heads != 0) {
      return config; // which the family's config refuses
    }
    int headDim = fields.has("head_dim") ? size(GgufKeys.KEY_LENGTH) : hidden / heads;
    only(GgufKeys.KEY_LENGTH, headDim, "%d, embedding_length / head_count");
    only(GgufKeys.VALUE_LENGTH, headDim, "%d, as many channels as a key has");
    only(GgufKeys.VOCABULARY, vocabulary, "%d, the rows of token_embd.weight");
    only(GgufKeys.EXPERT_COUNT, 0, "%d: mixtures of experts are not implemented");
    only(GgufKeys.EXPERT_USED_COUNT, 0, "%d: mixtures of experts are not implemented");
    check(GgufKeys.CAUSAL, metadata::bool, "true: nothing else is implemented");
    check(
        GgufKeys.TENSOR_DATA_LAYOUT,
        key -> !architecture.equals(FALCON) || metadata.string(key).equals("jploski"),
        "\"jploski\": all queries, then all keys, then all values");
    if (architecture.equals(GPTNEOX)) {
      only(GgufKeys.HEAD_COUNT_KV, heads, "%d: grouped KV heads are not implemented here");
      checkScaling();
      translateRotation(headDim);
    } else if (architecture.equals(MPT)) {
      translateRatio(hidden);
    } else {
      checkScaling();
      only(GgufKeys.ROPE_DIMENSIONS, headDim, "%d, all channels of a head");
    }
    refuseUnknown();
    return config;
  }

  /** What a config says in fields, a GGUF file says by the tensors that it has. */
  private void translateTensors() {
    if (architecture.equals(LLAMA)) {
      fields.put("attention_bias", anyLayerHas("attn_q", "attn_k", "attn_v", "attn_output"));
      fields.put("mlp_bias", anyLayerHas("ffn_gate", "ffn_up", "ffn_down"));
    } else if (architecture.equals(QWEN2)) {
      defaultToHeads("num_key_value_heads");
    } else if (architecture.equals(FALCON)) {
      // the new architecture says all that the first one can
      fields.put("new_decoder_architecture", true);
      boolean twoNorms = tensors.stream().anyMatch(name -> name.endsWith(".attn_norm_2.weight"));
      fields.put("num_ln_in_parallel_attn", twoNorms ? 2 : 1);
      fields.put("bias", anyLayerHas("attn_qkv", "attn_output", "ffn_up", "ffn_down"));
    } else if (architecture.equals(GPTNEOX)) {
      fields.put("attention_bias", anyLayerHas("attn_qkv", "attn_output"));
    } else {
      set("attn_config.attn_type", json.stringNode("grouped_query_attention"));
      defaultToHeads("attn_config.kv_n_heads");
      fields.put("no_bias", tensors.stream().noneMatch(name -> name.endsWith(".bias")));
    }
  }

  private void translateSinkToken() {
    names.put("sink_token_id", GgufKeys.SINK_TOKEN_ID);
    if (metadata.has(GgufKeys.SINK_TOKEN_ID)) {
      fields.put("sink_token_id", metadata.integer(GgufKeys.SINK_TOKEN_ID));
    }
  }

  /** A key of this architecture; from now on it is known. */
  private String key(String suffix) {
    String key = architecture.key(suffix);
    known.add(key);
    return key;
  }

  private void translate(GgufSetting setting) {
    String key = key(setting.key());
    names.put(setting.field(), key);
    if (!setting.required() && !metadata.has(key)) {
      return;
    }
    JsonNode value =
        switch (setting.kind()) {
          case INTEGER, INTEGER_OR_0 -> json.numberNode(metadata.integer(key));
          case NUMBER, NUMBER_OR_0 -> json.numberNode(metadata.number(key));
          case BOOL -> json.booleanNode(metadata.bool(key));
        };
    if (!setting.kind().isLeftOutBy(value)) {
      set(setting.field(), value);
    }
  }

  private void set(String field, JsonNode value) {
    int dot = field.indexOf('.');
    if (dot < 0) {
      fields.set(field, value);
    } else {
      fields.withObjectProperty(field.substring(0, dot)).set(field.substring(dot + 1), value);
    }
  }

  private boolean anyLayerHas(String... layers) {
    return tensors.stream()
        .anyMatch(
            name -> Arrays.stream(layers).anyMatch(layer -> name.endsWith('.' + layer + ".bias")));
  }

  private void defaultToHeads(String field) {
    if (!metadata.has(architecture.key(GgufKeys.HEAD_COUNT_KV))) {
      set(field, json.numberNode(size(GgufKeys.HEAD_COUNT)));
    }
  }

  /** The value of a setting that is a size. */
  private int size(String suffix) {
    String field =
        architecture.settings().stream()
            .filter(setting -> setting.key().equals(suffix))
            .map(GgufSetting::field)
            .findFirst()
            .orElseThrow();
    return config.positiveInt(field);
  }

  private void translateRotation(int headDim) {
    String key = key(GgufKeys.ROPE_DIMENSIONS);
    long rotated = metadata.has(key) ? metadata.integer(key) : headDim;
    if (rotated < 2 || rotated > headDim || rotated % 2 != 0) {
      throw metadata.refuse(
          key, "an even number from 2 to the %d channels of a head".formatted(headDim));
    }
    // rounded up, so that the product with head_dim is never just below the whole number
    fields.put("rotary_pct", Math.nextUp((double) rotated / headDim));
  }

  /** MPT's field has the ratio of the widths, where the key has the width. */
  private void translateRatio(int hidden) {
    int inner = size(GgufKeys.FEED_FORWARD_LENGTH);
    check(
        GgufKeys.FEED_FORWARD_LENGTH,
        key -> inner % hidden == 0,
        "a multiple of %s (%d)".formatted(key(GgufKeys.EMBEDDING_LENGTH), hidden));
    fields.put("expansion_ratio", inner / hidden);
  }

  private void checkScaling() {
    check(
        GgufKeys.ROPE_SCALING_TYPE,
        key -> List.of("none", "linear").contains(metadata.string(key)),
        "none, or linear with a factor of 1: other scalings are not implemented");
    String one = "1: other scalings are not implemented";
    Predicate<String> isOneOr0 = key -> metadata.number(key) == 1 || metadata.number(key) == 0;
    check(GgufKeys.ROPE_SCALING_FACTOR, isOneOr0, one);
    check(GgufKeys.ROPE_SCALE_LINEAR, isOneOr0, one);
    check(GgufKeys.ROPE_SCALING_ATTENTION_FACTOR, key -> metadata.number(key) == 1, one);
  }

  private void only(String suffix, long allowed, String expected) {
    check(suffix, key -> metadata.integer(key) == allowed, expected.formatted(allowed));
  }

  /** Refuses a key that is there with a value that is not {@code allowed}. */
  private void check(String suffix, Predicate<String> allowed, String expected) {
    String key = key(suffix);
    if (metadata.has(key) && !allowed.test(key)) {
      throw metadata.refuse(key, expected);
    }
  }

  private void refuseUnknown() {
    INERT.forEach(this::key);
    String unknown =
        metadata.keys().stream()
            .filter(key -> key.startsWith(architecture.key("")))
            .filter(key -> !known.contains(key))
            .filter(key -> !key.startsWith(architecture.key(GgufKeys.YARN)))
            .map(StrictJson::shown)
            .sorted()
            .collect(Collectors.joining(", "));
    if (!unknown.isEmpty()) {
      throw new CheckpointException(
          "%s: unknown, and therefore refused: %s".formatted(file, unknown));
    }
  }
}
