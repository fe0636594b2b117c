package org.sinkstream.checkpoint;

import static org.sinkstream.checkpoint.GgufSetting.optional;
import static org.sinkstream.checkpoint.GgufSetting.required;
import static org.sinkstream.checkpoint.GgufTensorName.bare;
import static org.sinkstream.checkpoint.GgufTensorName.biased;
import static org.sinkstream.checkpoint.GgufTensorName.plain;

import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.sinkstream.checkpoint.GgufSetting.Kind;

/**
 * What llama.cpp calls the architectures that are read and written here, and the settings and
 * tensors of each, as its {@code gguf-py/gguf/constants.py} and {@code tensor_mapping.py} have
 * them. The one place for names, in both directions.
 */
public record GgufArchitecture(
    String id,
    String modelType,
    Arrangement arrangement,
    String layers,
    List<GgufSetting> settings,
    List<GgufTensorName> globals,
    List<GgufTensorName> inLayers) {
  /** The embedding of tokens, in GGUF files of every architecture. */
  public static final String EMBEDDING = "token_embd.weight";

  /** The output head, where it is not the embedding. */
  public static final String HEAD = "output.weight";

  /** What each rotated pair's frequency is divided by, under both names. */
  public static final String ROPE_FACTORS = "rope_freqs.weight";

  /** A layer's sink logits, one for each head. */
  public static final String SINK_LOGITS = "attn_sinks";

  private static final List<GgufSetting> LLAMA_SETTINGS =
      List.of(
          required(GgufKeys.CONTEXT_LENGTH, "max_position_embeddings", Kind.INTEGER),
          required(GgufKeys.EMBEDDING_LENGTH, "hidden_size", Kind.INTEGER),
          required(GgufKeys.BLOCK_COUNT, "num_hidden_layers", Kind.INTEGER),
          required(GgufKeys.FEED_FORWARD_LENGTH, "intermediate_size", Kind.INTEGER),
          required(GgufKeys.HEAD_COUNT, "num_attention_heads", Kind.INTEGER),
          optional(GgufKeys.HEAD_COUNT_KV, "num_key_value_heads", Kind.INTEGER),
          optional(GgufKeys.KEY_LENGTH, "head_dim", Kind.INTEGER),
          optional(GgufKeys.SLIDING_WINDOW, "sliding_window", Kind.INTEGER_OR_0),
          required(GgufKeys.RMS_NORM_EPSILON, "rms_norm_eps", Kind.NUMBER),
          optional(GgufKeys.ROPE_BASE, "rope_theta", Kind.NUMBER));

  /** Llama and Mistral. Rows of queries and keys are permuted: see {@link Arrangement}. */
  public static final GgufArchitecture LLAMA =
      new GgufArchitecture(
          "llama",
          "llama",
          new Arrangement(true, false),
          "model.layers.",
          LLAMA_SETTINGS,
          List.of(
              plain("model.embed_tokens", "token_embd"),
              plain("model.norm", "output_norm"),
              plain("lm_head", "output"),
              plain("rope_freqs", "rope_freqs")),
          List.of(
              plain("input_layernorm", "attn_norm"),
              biased("self_attn.q_proj", "attn_q"),
              biased("self_attn.k_proj", "attn_k"),
              biased("self_attn.v_proj", "attn_v"),
              biased("self_attn.o_proj", "attn_output"),
              bare("self_attn.sinks", SINK_LOGITS),
              plain("post_attention_layernorm", "ffn_norm"),
              biased("mlp.gate_proj", "ffn_gate"),
              biased("mlp.up_proj", "ffn_up"),
              biased("mlp.down_proj", "ffn_down")));

  /** Qwen2: biases of queries, keys and values, and nothing permuted. */
  public static final GgufArchitecture QWEN2 =
      new GgufArchitecture(
          "qwen2",
          "qwen2",
          new Arrangement(false, false),
          "model.layers.",
          LLAMA_SETTINGS,
          List.of(
              plain("model.embed_tokens", "token_embd"),
              plain("model.norm", "output_norm"),
              plain("lm_head", "output")),
          List.of(
              plain("input_layernorm", "attn_norm"),
              biased("self_attn.q_proj", "attn_q"),
              biased("self_attn.k_proj", "attn_k"),
              biased("self_attn.v_proj", "attn_v"),
              plain("self_attn.o_proj", "attn_output"),
              bare("self_attn.sinks", SINK_LOGITS),
              plain("post_attention_layernorm", "ffn_norm"),
              plain("mlp.gate_proj", "ffn_gate"),
              plain("mlp.up_proj", "ffn_up"),
              plain("mlp.down_proj", "ffn_down")));

  /**
   * Falcon. Its first norm is the MLP's: alone it is everybody's, and where attention has its own
   * that is the second one.
   */
  public static final GgufArchitecture FALCON =
      new GgufArchitecture(
          "falcon",
          "falcon",
          new Arrangement(false, true),
          "transformer.h.",
          List.of(
              required(GgufKeys.CONTEXT_LENGTH, "max_position_embeddings", Kind.INTEGER),
              required(GgufKeys.EMBEDDING_LENGTH, "hidden_size", Kind.INTEGER),
              required(GgufKeys.BLOCK_COUNT, "num_hidden_layers", Kind.INTEGER),
              required(GgufKeys.FEED_FORWARD_LENGTH, "ffn_hidden_size", Kind.INTEGER),
              required(GgufKeys.HEAD_COUNT, "num_attention_heads", Kind.INTEGER),
              optional(GgufKeys.HEAD_COUNT_KV, "num_kv_heads", Kind.INTEGER),
              required(GgufKeys.NORM_EPSILON, "layer_norm_epsilon", Kind.NUMBER),
              optional(GgufKeys.ROPE_BASE, "rope_theta", Kind.NUMBER)),
          List.of(
              plain("transformer.word_embeddings", "token_embd"),
              biased("transformer.ln_f", "output_norm"),
              plain("lm_head", "output")),
          List.of(
              biased("input_layernorm", "attn_norm"),
              biased("ln_mlp", "attn_norm"),
              biased("ln_attn", "attn_norm_2"),
              biased("self_attention.query_key_value", "attn_qkv"),
              biased("self_attention.dense", "attn_output"),
              bare("self_attention.sinks", SINK_LOGITS),
              biased("mlp.dense_h_to_4h", "ffn_up"),
              biased("mlp.dense_4h_to_h", "ffn_down")));

  /**
   * Pythia and GPT-NeoX. Sink logits, an extension of ours, have the name that llama.cpp gives them
   * in other architectures; in this one it refuses a file that has them.
   */
  public static final GgufArchitecture GPTNEOX =
      new GgufArchitecture(
          "gptneox",
          "gpt_neox",
          new Arrangement(false, true),
          "gpt_neox.layers.",
          List.of(
              required(GgufKeys.CONTEXT_LENGTH, "max_position_embeddings", Kind.INTEGER),
              required(GgufKeys.EMBEDDING_LENGTH, "hidden_size", Kind.INTEGER),
              required(GgufKeys.BLOCK_COUNT, "num_hidden_layers", Kind.INTEGER),
              required(GgufKeys.FEED_FORWARD_LENGTH, "intermediate_size", Kind.INTEGER),
              required(GgufKeys.HEAD_COUNT, "num_attention_heads", Kind.INTEGER),
              required(GgufKeys.PARALLEL_RESIDUAL, "use_parallel_residual", Kind.BOOL),
              required(GgufKeys.NORM_EPSILON, "layer_norm_eps", Kind.NUMBER),
              optional(GgufKeys.ROPE_BASE, "rope_theta", Kind.NUMBER)),
          List.of(
              plain("gpt_neox.embed_in", "token_embd"),
              biased("gpt_neox.final_layer_norm", "output_norm"),
              plain("embed_out", "output")),
          List.of(
              biased("input_layernorm", "attn_norm"),
              biased("attention.query_key_value", "attn_qkv"),
              biased("attention.dense", "attn_output"),
              bare("attention.sinks", SINK_LOGITS),
              biased("post_attention_layernorm", "ffn_norm"),
              biased("mlp.dense_h_to_4h", "ffn_up"),
              biased("mlp.dense_4h_to_h", "ffn_down")));

  /** MPT, whose own order of rows is the stacked one. */
  public static final GgufArchitecture MPT =
      new GgufArchitecture(
          "mpt",
          "mpt",
          new Arrangement(false, true),
          "transformer.blocks.",
          List.of(
              required(GgufKeys.CONTEXT_LENGTH, "max_seq_len", Kind.INTEGER),
              required(GgufKeys.EMBEDDING_LENGTH, "d_model", Kind.INTEGER),
              required(GgufKeys.BLOCK_COUNT, "n_layers", Kind.INTEGER),
              required(GgufKeys.FEED_FORWARD_LENGTH, "expansion_ratio", Kind.INTEGER),
              required(GgufKeys.HEAD_COUNT, "n_heads", Kind.INTEGER),
              optional(GgufKeys.HEAD_COUNT_KV, "attn_config.kv_n_heads", Kind.INTEGER),
              required(GgufKeys.NORM_EPSILON, "layer_norm_epsilon", Kind.NUMBER),
              required(GgufKeys.MAX_ALIBI_BIAS, "attn_config.alibi_bias_max", Kind.NUMBER),
              optional(GgufKeys.CLAMP_KQV, "attn_config.clip_qkv", Kind.NUMBER_OR_0)),
          List.of(
              plain("transformer.wte", "token_embd"),
              biased("transformer.norm_f", "output_norm"),
              plain("lm_head", "output")),
          List.of(
              biased("norm_1", "attn_norm"),
              biased("attn.Wqkv", "attn_qkv"),
              biased("attn.out_proj", "attn_output"),
              bare("attn.sinks", SINK_LOGITS),
              biased("norm_2", "ffn_norm"),
              biased("ffn.up_proj", "ffn_up"),
              biased("ffn.down_proj", "ffn_down")));

  private static final String BLOCKS = "blk.";
  private static final Pattern IN_LAYER = Pattern.compile("(\\d{1,9})\\.(.+)");

  /** All of them, by name. */
  public static final List<GgufArchitecture> ALL = List.of(FALCON, GPTNEOX, LLAMA, MPT, QWEN2);

  /** One of its keys, e.g. {@code llama.block_count} for {@link GgufKeys#BLOCK_COUNT}. */
  public String key(String suffix) {
    return id + '.' + suffix;
  }

  /** The architecture of that name. */
  public static Optional<GgufArchitecture> named(String id) {
    return ALL.stream().filter(each -> each.id.equals(id)).findFirst();
  }

  /** The architecture that a {@code config.json} of that {@code model_type} has. */
  public static Optional<GgufArchitecture> ofModelType(String modelType) {
    return switch (modelType) {
      case "mistral" -> Optional.of(LLAMA);
      case "RefinedWeb", "RefinedWebModel" -> Optional.of(FALCON);
      default -> ALL.stream().filter(each -> each.modelType.equals(modelType)).findAny();
    };
  }

  /** The name in GGUF files of a tensor with that name in Hugging Face checkpoints. */
  public Optional<String> ggufName(String huggingFace) {
    return translate(huggingFace, layers, BLOCKS, GgufTensorName::toGguf).findFirst();
  }

  /**
   * The names in Hugging Face checkpoints of a tensor with that name in GGUF files; several where
   * it depends on the config which of them the model has, none where it has no such tensor.
   */
  public List<String> huggingFaceNames(String gguf) {
    return translate(gguf, BLOCKS, layers, GgufTensorName::toHuggingFace).toList();
  }

  private Stream<String> translate(
      String name,
      String fromPrefix,
      String toPrefix,
      BiFunction<GgufTensorName, String, Optional<String>> with) {
    if (!name.startsWith(fromPrefix)) {
      return globals.stream().flatMap(each -> with.apply(each, name).stream());
    }
    Matcher matcher = IN_LAYER.matcher(name.substring(fromPrefix.length()));
    if (!matcher.matches()) {
      return Stream.empty();
    }
    String layer = toPrefix + matcher.group(1) + '.';
    return inLayers.stream()
        .flatMap(each -> with.apply(each, matcher.group(2)).stream())
        .map(translated -> layer + translated);
  }
}
