package org.sinkstream.checkpoint;

import java.util.List;

/**
 * Keys of GGUF metadata (llama.cpp's {@code gguf-py/gguf/constants.py}). Those without {@code
 * general.}, {@code tokenizer.} or {@code split.} stand behind the name of an architecture: {@link
 * GgufArchitecture#key}.
 */
public final class GgufKeys {
  // The file
  public static final String ARCHITECTURE = "general.architecture";
  public static final String TYPE = "general.type";
  public static final String NAME = "general.name";
  public static final String ALIGNMENT = "general.alignment";
  public static final String FILE_TYPE = "general.file_type";
  public static final String QUANTIZATION_VERSION = "general.quantization_version";
  public static final String SPLIT_COUNT = "split.count";

  /** The value of {@link #QUANTIZATION_VERSION}: the version of ggml's block formats. */
  public static final int BLOCK_FORMATS = 2;

  // The model's shape
  public static final String VOCABULARY = "vocab_size";
  public static final String CONTEXT_LENGTH = "context_length";
  public static final String EMBEDDING_LENGTH = "embedding_length";
  public static final String BLOCK_COUNT = "block_count";
  public static final String FEED_FORWARD_LENGTH = "feed_forward_length";
  public static final String PARALLEL_RESIDUAL = "use_parallel_residual";
  public static final String TENSOR_DATA_LAYOUT = "tensor_data_layout";
  public static final String EXPERT_COUNT = "expert_count";
  public static final String EXPERT_USED_COUNT = "expert_used_count";
  public static final String POOLING_TYPE = "pooling_type";

  // Attention
  public static final String HEAD_COUNT = "attention.head_count";
  public static final String HEAD_COUNT_KV = "attention.head_count_kv";
  public static final String KEY_LENGTH = "attention.key_length";
  public static final String VALUE_LENGTH = "attention.value_length";
  public static final String NORM_EPSILON = "attention.layer_norm_epsilon";
  public static final String RMS_NORM_EPSILON = "attention.layer_norm_rms_epsilon";
  public static final String MAX_ALIBI_BIAS = "attention.max_alibi_bias";
  public static final String CLAMP_KQV = "attention.clamp_kqv";
  public static final String CAUSAL = "attention.causal";
  public static final String SLIDING_WINDOW = "attention.sliding_window";

  // Rotation
  public static final String ROPE_DIMENSIONS = "rope.dimension_count";
  public static final String ROPE_BASE = "rope.freq_base";
  public static final String ROPE_SCALING_TYPE = "rope.scaling.type";
  public static final String ROPE_SCALING_FACTOR = "rope.scaling.factor";
  public static final String ROPE_SCALING_ATTENTION_FACTOR = "rope.scaling.attn_factor";
  public static final String ROPE_SCALING_ORIGINAL_CONTEXT = "rope.scaling.original_context_length";
  public static final String ROPE_SCALING_FINETUNED = "rope.scaling.finetuned";

  /** How the keys of YaRN begin. */
  public static final String YARN = "rope.scaling.yarn_";

  /** An old name of {@link #ROPE_SCALING_FACTOR}. */
  public static final String ROPE_SCALE_LINEAR = "rope.scale_linear";

  // The tokenizer
  public static final String TOKENIZER_MODEL = "tokenizer.ggml.model";

  /** The value of {@link #TOKENIZER_MODEL} in a file without a tokenizer. */
  public static final String NO_TOKENIZER = "no_vocab";

  public static final String TOKENIZER_PRE = "tokenizer.ggml.pre";
  public static final String TOKENS = "tokenizer.ggml.tokens";
  public static final String TOKEN_SCORES = "tokenizer.ggml.scores";
  public static final String TOKEN_TYPES = "tokenizer.ggml.token_type";
  public static final String MERGES = "tokenizer.ggml.merges";
  public static final String BOS_ID = "tokenizer.ggml.bos_token_id";
  public static final String EOS_ID = "tokenizer.ggml.eos_token_id";
  public static final String EOT_ID = "tokenizer.ggml.eot_token_id";
  public static final String EOM_ID = "tokenizer.ggml.eom_token_id";
  public static final String UNKNOWN_ID = "tokenizer.ggml.unknown_token_id";
  public static final String ADD_BOS = "tokenizer.ggml.add_bos_token";
  public static final String ADD_EOS = "tokenizer.ggml.add_eos_token";
  public static final String ADD_SPACE_PREFIX = "tokenizer.ggml.add_space_prefix";
  public static final String CHAT_TEMPLATE = "tokenizer.chat_template";

  /** Keys for the tokens that end a text, a turn or a message. */
  public static final List<String> END_OF_TEXT_IDS = List.of(EOS_ID, EOT_ID, EOM_ID);

  // Our own

  /** The token that stood in front of every sample in training. */
  public static final String SINK_TOKEN_ID = "sinkstream.sink_token_id";

  private GgufKeys() {}
}
