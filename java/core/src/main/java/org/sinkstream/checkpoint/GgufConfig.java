package org.sinkstream.checkpoint;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
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
  private final ObjectNode fields = JsonNodeFactory.instance.objectNode();
  private final Map<String, String> names = new HashMap<>();
  private final Set<String> known = new HashSet<>();

  private GgufConfig(Path file, GgufFile gguf, GgufArchitecture architecture) {
    this.file = file;
    this.metadata = gguf.metadata();
    this.tensors = gguf.tensors().keySet();
    this.architecture = architecture;
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
    fields.put("vocab_size", vocabulary);
    only(GgufKeys.VOCABULARY, vocabulary, "%d, the rows of token_embd.weight");
    fields.put("tie_word_embeddings", !tensors.contains(GgufArchitecture.HEAD));
    if (architecture.equals(GgufArchitecture.LLAMA)) {
      fields.put("attention_bias", anyLayerHas("attn_q", "attn_k", "attn_v", "attn_output"));
      fields.put("mlp_bias", anyLayerHas("ffn_gate", "ffn_up", "ffn_down"));
      checkFullRotation();
    } else if (architecture.equals(GgufArchitecture.QWEN2)) {
      defaultToHeads(GgufKeys.HEAD_COUNT_KV, "num_key_value_heads");
      checkFullRotation();
    } else if (architecture.equals(GgufArchitecture.FALCON)) {
      falcon();
    } else if (architecture.equals(GgufArchitecture.GPTNEOX)) {
      gptNeox();
    } else {
      mpt();
    }
    checkHeads();
    checkLayers();
    refuseUnknown();
    return Config.of(file.toString(), fields, names);
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
    JsonNodeFactory json = JsonNodeFactory.instance;
    switch (setting.kind()) {
      case INTEGER -> set(setting.field(), json.numberNode(metadata.integer(key)));
      case NUMBER -> set(setting.field(), json.numberNode(metadata.number(key)));
      case BOOL -> set(setting.field(), json.booleanNode(metadata.bool(key)));
      case INTEGER_OR_0 -> {
        if (metadata.integer(key) != 0) {
          set(setting.field(), json.numberNode(metadata.integer(key)));
        }
      }
      case NUMBER_OR_0 -> {
        if (metadata.number(key) != 0) {
          set(setting.field(), json.numberNode(metadata.number(key)));
        }
      }
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

  private void defaultToHeads(String suffix, String field) {
    if (!metadata.has(key(suffix))) {
      set(field, JsonNodeFactory.instance.numberNode(metadata.integer(key(GgufKeys.HEAD_COUNT))));
    }
  }

  /** All Falcons are what HF calls the new architecture, the first ones with one KV head. */
  private void falcon() {
    fields.put("new_decoder_architecture", true);
    boolean twoNorms = tensors.stream().anyMatch(name -> name.endsWith(".attn_norm_2.weight"));
    fields.put("num_ln_in_parallel_attn", twoNorms ? 2 : 1);
    fields.put("bias", anyLayerHas("attn_qkv", "attn_output", "ffn_up", "ffn_down"));
    String layout = key(GgufKeys.TENSOR_DATA_LAYOUT);
    if (metadata.has(layout) && !metadata.string(layout).equals("jploski")) {
      throw metadata.refuse(layout, "\"jploski\", all queries, then all keys, then all values");
    }
    checkFullRotation();
  }

  private void gptNeox() {
    fields.put("attention_bias", anyLayerHas("attn_qkv", "attn_output"));
    only(
        GgufKeys.HEAD_COUNT_KV,
        metadata.integer(key(GgufKeys.HEAD_COUNT)),
        "%d: grouped key and value heads are not implemented for this architecture");
    zeroSink();
    checkScaling();
    OptionalLong headDim = headDim();
    String dimensions = key(GgufKeys.ROPE_DIMENSIONS);
    if (headDim.isPresent()) {
      long rotated = metadata.has(dimensions) ? metadata.integer(dimensions) : headDim.getAsLong();
      if (rotated < 2 || rotated > headDim.getAsLong() || rotated % 2 != 0) {
        throw metadata.refuse(
            dimensions,
            "an even number from 2 to the %d channels of a head".formatted(headDim.getAsLong()));
      }
      // rounded up, so that the product with head_dim is never just below the whole number
      fields.put("rotary_pct", Math.nextUp((double) rotated / headDim.getAsLong()));
    }
  }

  /** Softmax-off-by-one is sink logits of 0 in all layers; that they are is checked with others. */
  private void zeroSink() {
    String end = '.' + GgufArchitecture.SINK_LOGITS + ".weight";
    long with = tensors.stream().filter(name -> name.endsWith(end)).count();
    long layers = metadata.integer(key(GgufKeys.BLOCK_COUNT));
    if (with != 0 && with != layers) {
      throw new CheckpointException(
          "%s: %d of %d layers have sink logits (blk.*%s), expected all or none"
              .formatted(file, with, layers, end));
    }
    fields.put("zero_sink", with != 0);
  }

  private void mpt() {
    set("attn_config.attn_type", JsonNodeFactory.instance.stringNode("grouped_query_attention"));
    defaultToHeads(GgufKeys.HEAD_COUNT_KV, "attn_config.kv_n_heads");
    fields.put("no_bias", tensors.stream().noneMatch(name -> name.endsWith(".bias")));
  }

  /** Channels of a head; empty where the heads do not divide, which the family's config refuses. */
  private OptionalLong headDim() {
    String keyLength = key(GgufKeys.KEY_LENGTH);
    if (metadata.has(keyLength)) {
      return OptionalLong.of(metadata.integer(keyLength));
    }
    long hidden = metadata.integer(key(GgufKeys.EMBEDDING_LENGTH));
    long heads = metadata.integer(key(GgufKeys.HEAD_COUNT));
    return heads > 0 && hidden % heads == 0
        ? OptionalLong.of(hidden / heads)
        : OptionalLong.empty();
  }

  private void checkHeads() {
    headDim()
        .ifPresent(headDim -> {
          only(GgufKeys.VALUE_LENGTH, headDim, "%d, as many channels as a key has");
          if (!names.containsKey("head_dim")) {
            long hidden = metadata.integer(key(GgufKeys.EMBEDDING_LENGTH));
            long heads = metadata.integer(key(GgufKeys.HEAD_COUNT));
            if (heads > 0) {
              only(GgufKeys.KEY_LENGTH, hidden / heads, "%d, embedding_length / head_count");
            }
          }
        });
  }

  private void checkFullRotation() {
    checkScaling();
    headDim()
        .ifPresent(
            headDim -> only(GgufKeys.ROPE_DIMENSIONS, headDim, "%d, all channels of a head"));
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

  private void checkLayers() {
    only(GgufKeys.EXPERT_COUNT, 0, "%d: mixtures of experts are not implemented");
    only(GgufKeys.EXPERT_USED_COUNT, 0, "%d: mixtures of experts are not implemented");
    check(GgufKeys.CAUSAL, metadata::bool, "true: nothing else is implemented");
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
