package org.sinkstream.checkpoint;

import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.sinkstream.testing.GgufBuilder;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Hugging Face checkpoints as GGUF files of F32, by the rules of llama.cpp's {@code conversion}
 * folder, which are written down once more here so that reader and test do not share a mistake.
 */
public final class GgufConversion {
  private final JsonNode config;
  private final GgufBuilder gguf = new GgufBuilder();

  private GgufConversion(JsonNode config) {
    this.config = config;
  }

  /** Converts a model directory of float or bfloat16 weights. */
  public static GgufBuilder convert(Path directory) {
    JsonNode config = JsonMapper.shared().readTree(directory.resolve("config.json").toFile());
    GgufConversion conversion = new GgufConversion(config);
    try (Arena arena = Arena.ofConfined()) {
      Map<String, StoredTensor> tensors =
          SafetensorsFile.open(directory.resolve("model.safetensors"), arena).tensors();
      conversion.metadata();
      new TreeMap<>(tensors).values().forEach(conversion::tensor);
    }
    return conversion.gguf;
  }

  private int number(String... names) {
    return Arrays.stream(names)
        .filter(config::hasNonNull)
        .findFirst()
        .map(name -> config.get(name).intValue())
        .orElseThrow();
  }

  private JsonNode rope() {
    return config.hasNonNull("rope_parameters") ? config.get("rope_parameters") : config;
  }

  private int heads() {
    return number("num_attention_heads", "n_heads");
  }

  private int headDim() {
    return config.hasNonNull("head_dim")
        ? number("head_dim")
        : number("hidden_size", "d_model") / heads();
  }

  private int kvHeads() {
    if (config.has("new_decoder_architecture")
        && !config.get("new_decoder_architecture").booleanValue()) {
      return 1;
    }
    return config.hasNonNull("num_kv_heads") || config.hasNonNull("num_key_value_heads")
        ? number("num_kv_heads", "num_key_value_heads")
        : heads();
  }

  private void metadata() {
    switch (config.get("model_type").stringValue()) {
      case "llama", "mistral" -> llama("llama");
      case "qwen2" -> llama("qwen2");
      case "falcon" -> falcon();
      case "gpt_neox" -> gptNeox();
      default -> mpt();
    }
  }

  private void shape(String id, int intermediate, int context) {
    gguf.string("general.architecture", id)
        .uint32(id + ".context_length", context)
        .uint32(id + ".embedding_length", number("hidden_size", "d_model"))
        .uint32(id + ".block_count", number("num_hidden_layers", "n_layers"))
        .uint32(id + ".feed_forward_length", intermediate)
        .uint32(id + ".attention.head_count", heads());
  }

  private void llama(String id) {
    shape(id, number("intermediate_size"), number("max_position_embeddings"));
    gguf.uint32(id + ".attention.head_count_kv", kvHeads())
        .float32(id + ".attention.layer_norm_rms_epsilon", config.get("rms_norm_eps").doubleValue())
        .float32(id + ".rope.freq_base", rope().get("rope_theta").doubleValue());
    if (config.hasNonNull("head_dim")) {
      gguf.uint32(id + ".attention.key_length", headDim())
          .uint32(id + ".attention.value_length", headDim());
    }
    if (id.equals("llama")) {
      gguf.uint32("llama.vocab_size", number("vocab_size"))
          .uint32("llama.rope.dimension_count", headDim());
    }
    if (rope().path("rope_type").asString("").equals("llama3")) {
      gguf.tensor("rope_freqs.weight", llama3Divisors(), headDim() / 2);
    }
  }

  private float[] llama3Divisors() {
    double factor = rope().get("factor").doubleValue();
    double low = rope().get("low_freq_factor").doubleValue();
    double high = rope().get("high_freq_factor").doubleValue();
    double context = rope().get("original_max_position_embeddings").doubleValue();
    float[] divisors = new float[headDim() / 2];
    for (int i = 0; i < divisors.length; i++) {
      double turn =
          2 * Math.PI * Math.pow(rope().get("rope_theta").doubleValue(), 2.0 * i / headDim());
      double smooth = (context / turn - low) / (high - low);
      divisors[i] =
          (float) (1 / ((1 - Math.clamp(smooth, 0, 1)) / factor + Math.clamp(smooth, 0, 1)));
    }
    return divisors;
  }

  private void falcon() {
    shape("falcon", number("ffn_hidden_size"), number("max_position_embeddings"));
    gguf.string("falcon.tensor_data_layout", "jploski")
        .uint32("falcon.attention.head_count_kv", kvHeads())
        .float32(
            "falcon.attention.layer_norm_epsilon", config.get("layer_norm_epsilon").doubleValue());
  }

  private void gptNeox() {
    shape("gptneox", number("intermediate_size"), number("max_position_embeddings"));
    double rotated =
        config.hasNonNull("rotary_pct")
            ? config.get("rotary_pct").doubleValue()
            : rope().get("partial_rotary_factor").doubleValue();
    gguf.uint32("gptneox.rope.dimension_count", (int) (rotated * headDim()))
        .bool("gptneox.use_parallel_residual", config.get("use_parallel_residual").booleanValue())
        .float32(
            "gptneox.attention.layer_norm_epsilon", config.get("layer_norm_eps").doubleValue());
  }

  private void mpt() {
    shape("mpt", 4 * number("d_model"), number("max_seq_len"));
    JsonNode attention = config.get("attn_config");
    gguf.float32("mpt.attention.layer_norm_epsilon", 1e-5)
        .float32("mpt.attention.max_alibi_bias", attention.get("alibi_bias_max").doubleValue());
    if (attention.hasNonNull("clip_qkv")) {
      gguf.float32("mpt.attention.clamp_kqv", attention.get("clip_qkv").doubleValue());
    }
  }

  private void tensor(StoredTensor tensor) {
    String id = config.get("model_type").stringValue();
    GgufArchitecture architecture = GgufArchitecture.ofModelType(id).orElseThrow();
    float[] values = widened(tensor);
    int columns = Math.toIntExact(tensor.elements() / tensor.shape().getFirst());
    if (architecture.id().equals("llama") && tensor.name().contains(".q_proj.")) {
      values = permuted(values, heads(), columns);
    } else if (architecture.id().equals("llama") && tensor.name().contains(".k_proj.")) {
      values = permuted(values, kvHeads(), columns);
    } else if (tensor.name().contains(".query_key_value.")) {
      values = stacked(values, columns);
    }
    gguf.tensor(architecture.ggufName(tensor.name()).orElseThrow(), values, dimensions(tensor));
  }

  private static long[] dimensions(StoredTensor tensor) {
    return tensor.shape().reversed().stream().mapToLong(Long::longValue).toArray();
  }

  private static float[] widened(StoredTensor tensor) {
    ByteBuffer bytes = tensor.data().asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[Math.toIntExact(tensor.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          tensor.typeName().equals("BF16")
              ? Float.intBitsToFloat(bytes.getShort(2 * i) << 16)
              : bytes.getFloat(4 * i);
    }
    return values;
  }

  /** Row {@code i} of a head's first half to {@code 2 i}, of its second half to {@code 2 i + 1}. */
  private float[] permuted(float[] values, int heads, int columns) {
    float[] target = new float[values.length];
    int half = values.length / columns / heads / 2;
    for (int head = 0; head < heads; head++) {
      for (int i = 0; i < half; i++) {
        int first = head * 2 * half;
        copyRow(values, first + i, target, first + 2 * i, columns);
        copyRow(values, first + half + i, target, first + 2 * i + 1, columns);
      }
    }
    return target;
  }

  /** From the queries, the key and the value of each group to all queries, all keys, all values. */
  private float[] stacked(float[] values, int columns) {
    float[] target = new float[values.length];
    int group = heads() / kvHeads();
    int size = headDim() * columns;
    int next = 0;
    for (int part = 0; part < 3; part++) {
      for (int kvHead = 0; kvHead < kvHeads(); kvHead++) {
        int start = (kvHead * (group + 2) + (part == 0 ? 0 : group + part - 1)) * size;
        int length = (part == 0 ? group : 1) * size;
        System.arraycopy(values, start, target, next, length);
        next += length;
      }
    }
    return target;
  }

  private static void copyRow(float[] source, int from, float[] target, int to, int columns) {
    System.arraycopy(source, from * columns, target, to * columns, columns);
  }
}
