package org.sinkstream.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.graph.ModelConfig;
import org.sinkstream.graph.Network;
import org.sinkstream.kernels.Device;
import org.sinkstream.testing.GgufBuilder;
import org.sinkstream.testing.GgufBuilder.Bytes;

/**
 * What a GGUF file must hold to be a model, what it may hold besides, and what is refused because
 * nobody here computes it; messages name the key or the tensor as the file does.
 */
class GgufCheckpointTest {
  private static final Map<String, Supplier<GgufBuilder>> MODELS =
      Map.of(
          "llama", GgufModels::llama,
          "qwen2", GgufModels::qwen2,
          "falcon", GgufModels::falcon,
          "gptneox", GgufModels::gptNeox,
          "mpt", GgufModels::mpt);

  @TempDir private Path folder;

  private static GgufBuilder model(String id) {
    return MODELS.get(id).get();
  }

  private Path write(GgufBuilder gguf) {
    return SafetensorsFixture.write(folder, "model.gguf", gguf.build());
  }

  private Checkpoint load(GgufBuilder gguf) {
    return load(gguf, Function.identity());
  }

  /** Everything that opening a model does but for its tokenizer. */
  private <T> T load(GgufBuilder gguf, Function<Checkpoint, T> result) {
    try (Device device = Device.openCpu(1);
        Arena arena = Arena.ofConfined()) {
      Checkpoint checkpoint = Checkpoint.open(write(gguf), arena);
      new Network(
          device, arena, checkpoint, ModelConfig.read(checkpoint.config()), true, bytes -> {});
      return result.apply(checkpoint);
    }
  }

  private void refused(GgufBuilder gguf, String... messageParts) {
    assertThatThrownBy(() -> load(gguf))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(folder.resolve("model.gguf") + ": ")
        .message()
        .contains(messageParts)
        .hasLineCount(1);
  }

  private void refused(String id, String key, int value, String message) {
    refused(model(id).uint32(id + "." + key, value), id + "." + key + " is " + value, message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "qwen2", "falcon", "gptneox", "mpt"})
  void theSmallestModels(String id) {
    Checkpoint checkpoint = load(model(id));
    assertThat(checkpoint.unused()).isEmpty();
    assertThat(checkpoint.endOfText()).containsExactly(2);
    assertThat(checkpoint.arrangement().interleavedRotation()).isEqualTo(id.equals("llama"));
    assertThat(checkpoint.weightTypes()).containsExactly("f32");
  }

  @Test
  void filesOfAnyNameThatBeginAsGguf() {
    try (Arena arena = Arena.ofConfined()) {
      Path file = SafetensorsFixture.write(folder, "ggml-model", GgufModels.llama().build());
      assertThat(Checkpoint.open(file, arena).has("lm_head.weight")).isTrue();
    }
  }

  @Test
  void filesOfThatNameThatAreNone() {
    Path file = SafetensorsFixture.write(folder, "model.gguf", new byte[100]);
    try (Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> Checkpoint.open(file, arena))
          .isExactlyInstanceOf(CheckpointException.class)
          .hasMessage(
              file
                  + ": byte 0: the file begins with the bytes 00000000; expected 47475546"
                  + " (\"GGUF\")");
    }
  }

  @Test
  void architecture() {
    refused(
        GgufModels.llama().without("general.architecture"),
        "general.architecture is missing; expected one of falcon, gptneox, llama, mpt, qwen2");
    refused(
        GgufModels.llama().string("general.architecture", "gemma3"),
        "general.architecture is \"gemma3\"; expected one of falcon, gptneox, llama, mpt, qwen2");
    refused(
        GgufModels.llama().uint32("general.architecture", 1),
        "general.architecture is 1 (UINT32); expected a string");
  }

  @ParameterizedTest
  @CsvSource({
    "llama, context_length",
    "llama, embedding_length",
    "llama, block_count",
    "llama, feed_forward_length",
    "llama, attention.head_count",
    "qwen2, attention.head_count",
    "falcon, context_length",
    "falcon, embedding_length",
    "falcon, block_count",
    "falcon, feed_forward_length",
    "falcon, attention.head_count",
    "gptneox, context_length",
    "gptneox, embedding_length",
    "gptneox, block_count",
    "gptneox, feed_forward_length",
    "gptneox, attention.head_count",
    "mpt, context_length",
    "mpt, embedding_length",
    "mpt, block_count",
    "mpt, feed_forward_length",
    "mpt, attention.head_count"
  })
  void sizes(String id, String suffix) {
    String key = id + "." + suffix;
    refused(model(id).without(key), key + " is missing; expected a whole number");
    refused(model(id).string(key, "2"), key + " is \"2\"; expected a whole number");
    refused(model(id).float32(key, 2), key + " is 2.0 (FLOAT32); expected a whole number");
    refused(model(id).bool(key, true), key + " is true (BOOL); expected a whole number");
    refused(
        model(id).array(key, 4, 1, new byte[4]),
        key + " is an array of 1 UINT32; expected a whole number");
    refused(model(id).uint32(key, 0), key + " is 0; expected a whole number from 1 to");
    refused(model(id).uint32(key, 1 << 25), key + " is 33554432; expected a whole number from 1");
    refused(
        model(id).value(key, 11, new Bytes().int64(-2).toArray()),
        key + " is -2; expected a whole number from 1 to");
  }

  @ParameterizedTest
  @CsvSource({
    "llama, attention.layer_norm_rms_epsilon",
    "qwen2, attention.layer_norm_rms_epsilon",
    "falcon, attention.layer_norm_epsilon",
    "gptneox, attention.layer_norm_epsilon",
    "mpt, attention.layer_norm_epsilon",
    "mpt, attention.max_alibi_bias"
  })
  void numbers(String id, String suffix) {
    String key = id + "." + suffix;
    refused(model(id).without(key), key + " is missing; expected a number");
    refused(model(id).uint32(key, 1), key + " is 1 (UINT32); expected a number");
    for (double bad : new double[] {0, -1e-5, Double.NaN, Double.POSITIVE_INFINITY}) {
      refused(model(id).float32(key, bad), key + " is ", "; expected a finite number above 0");
    }
  }

  @Test
  void optionalNumbers() {
    for (double bad : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      refused(
          GgufModels.llama().float32("llama.rope.freq_base", bad),
          "llama.rope.freq_base is ",
          "; expected a finite number above 0");
    }
    refused(
        GgufModels.mpt().float32("mpt.attention.clamp_kqv", -1),
        "mpt.attention.clamp_kqv is -1.0; expected a finite number above 0");
    load(GgufModels.mpt().float32("mpt.attention.clamp_kqv", 0));
    load(GgufModels.mpt().float32("mpt.attention.clamp_kqv", 6));
    load(GgufModels.falcon().float32("falcon.rope.freq_base", 5_000_042));
  }

  @Test
  void parallelResidual() {
    String key = "gptneox.use_parallel_residual";
    refused(GgufModels.gptNeox().without(key), key + " is missing; expected true or false");
    refused(GgufModels.gptNeox().uint32(key, 1), key + " is 1 (UINT32); expected true or false");
    load(GgufModels.gptNeox().bool(key, false));
  }

  @Test
  void heads() {
    String divisor = "expected a divisor of llama.embedding_length (16)";
    refused("llama", "attention.head_count", 3, divisor);
    refused("gptneox", "attention.head_count", 5, "a divisor of gptneox.embedding_length (16)");
    refused("mpt", "attention.head_count", 5, "a divisor of mpt.embedding_length (16)");
    refused("falcon", "attention.head_count", 5, "a divisor of falcon.embedding_length (16)");
    refused("llama", "attention.head_count_kv", 3, "expected a divisor of the number of attention");
    refused("qwen2", "attention.head_count_kv", 0, "expected a whole number from 1");
    refused("mpt", "attention.head_count_kv", 3, "expected a divisor of the number of attention");
    refused("falcon", "attention.head_count_kv", 0, "expected a whole number from 1");
    refused("gptneox", "attention.head_count_kv", 1, "expected 2: grouped KV heads");
    load(GgufModels.gptNeox().uint32("gptneox.attention.head_count_kv", 2));
  }

  @Test
  void headDimension() {
    refused("llama", "attention.value_length", 16, "expected 8, as many channels as a key has");
    refused("llama", "attention.key_length", 0, "expected a whole number from 1 to");
    refused(
        GgufModels.qwen2().uint32("qwen2.attention.key_length", 12),
        "heads have 12 channels; expected a multiple of 8");
    refused("mpt", "attention.key_length", 16, "expected 8, embedding_length / head_count");
    refused("llama", "rope.dimension_count", 4, "expected 8, all channels of a head");
    refused("falcon", "rope.dimension_count", 4, "expected 8, all channels of a head");
    refused("gptneox", "rope.dimension_count", 3, "expected an even number from 2 to the 8 chan");
    refused("gptneox", "rope.dimension_count", 10, "expected an even number from 2 to the 8 chan");
    refused("gptneox", "rope.dimension_count", 0, "expected an even number from 2 to the 8 chan");
    GgufBuilder wider =
        GgufModels.llama()
            .uint32("llama.attention.key_length", 16)
            .uint32("llama.attention.value_length", 16)
            .uint32("llama.rope.dimension_count", 16);
    refused(wider, "tensor \"blk.0.attn_q.weight\" has shape [16, 16]; expected [32, 16]");
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4, 6, 8})
  void partialRotation(int rotated) {
    GgufBuilder gguf = GgufModels.gptNeox().uint32("gptneox.rope.dimension_count", rotated);
    assertThat(ModelConfig.read(load(gguf).config()).rope().orElseThrow().rotaryDim())
        .isEqualTo(rotated);
    GgufBuilder full = GgufModels.gptNeox().without("gptneox.rope.dimension_count");
    assertThat(ModelConfig.read(load(full).config()).rope().orElseThrow().rotaryDim()).isEqualTo(8);
  }

  @Test
  void vocabulary() {
    refused("llama", "vocab_size", 6, "expected 5, the rows of token_embd.weight");
    String tokens = "tokenizer.ggml.tokens";
    refused(
        GgufModels.llama().strings(tokens, "a", "b", "c", "d"),
        tokens + " is an array of 4 STRING; expected an array of 5 STRING");
    refused(
        GgufModels.llama().without(tokens), tokens + " is missing; expected an array of 5 STRING");
    refused(
        GgufModels.llama().ints(tokens, 1, 2, 3, 4, 5),
        tokens + " is an array of 5 INT32; expected an array of 5 STRING");
    refused(
        GgufModels.llama().string(tokens, "a"),
        tokens + " is \"a\"; expected an array of 5 STRING");
    String scores = "tokenizer.ggml.scores";
    refused(
        GgufModels.llama().floats(scores, 1, 2, 3, 4, 5, 6),
        scores + " is an array of 6 FLOAT32; expected an array of 5 FLOAT32");
    refused(
        GgufModels.llama().ints(scores, 1, 2, 3, 4, 5),
        scores + " is an array of 5 INT32; expected an array of 5 FLOAT32");
    String types = "tokenizer.ggml.token_type";
    refused(
        GgufModels.llama().ints(types, 1, 1),
        types + " is an array of 2 INT32; expected an array of 5 INT32 or UINT32");
    refused(
        GgufModels.llama().floats(types, 1, 1, 1, 1, 1),
        types + " is an array of 5 FLOAT32; expected an array of 5 INT32 or UINT32");
  }

  @Test
  void withoutATokenizer() {
    GgufBuilder bare =
        GgufModels.llama()
            .without("tokenizer.ggml.model")
            .without("tokenizer.ggml.tokens")
            .without("tokenizer.ggml.scores")
            .without("tokenizer.ggml.token_type")
            .without("tokenizer.ggml.eos_token_id");
    assertThat(load(bare).endOfText()).isEmpty();
    load(bare.string("tokenizer.ggml.model", "no_vocab"));
  }

  @Test
  void endOfText() {
    GgufBuilder gguf =
        GgufModels.llama()
            .uint32("tokenizer.ggml.eot_token_id", 3)
            .uint32("tokenizer.ggml.eom_token_id", 4);
    assertThat(load(gguf).endOfText()).containsExactlyInAnyOrder(2, 3, 4);
    for (String which : List.of("eos", "eot", "eom")) {
      String key = "tokenizer.ggml." + which + "_token_id";
      refused(
          GgufModels.llama().uint32(key, 5),
          key + " is 5 (UINT32); expected a token id from 0 to 4");
      refused(
          GgufModels.llama().uint32(key, -1),
          key + " is 4294967295 (UINT32); expected a token id from 0 to 4");
      refused(
          GgufModels.llama().string(key, "</s>"), key + " is \"</s>\"; expected a whole number");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "qwen2", "falcon", "gptneox", "mpt"})
  void missingTensors(String id) {
    for (String name : model(id).tensors().keySet()) {
      boolean optional = name.equals("output.weight"); // the embedding takes its place
      boolean bias = name.endsWith(".bias") && id.equals("qwen2");
      if (optional) {
        load(model(id).without(name));
      } else {
        refused(
            model(id).without(name),
            "tensor \"" + name + "\" is missing; expected " + (bias ? "one of shape" : ""));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "qwen2", "falcon", "gptneox", "mpt"})
  void shapes(String id) {
    for (Map.Entry<String, GgufBuilder.Tensor> entry : model(id).tensors().entrySet()) {
      long[] wider = entry.getValue().dimensions().clone();
      wider[0]++;
      int elements = 1;
      for (long dimension : wider) {
        elements *= (int) dimension;
      }
      refused(
          model(id).tensor(entry.getKey(), new float[elements], wider),
          "tensor \"" + entry.getKey() + "\" has shape [",
          "]; expected [");
    }
    refused(
        model(id).tensor("token_embd.weight", new float[16], 16),
        "tensor \"token_embd.weight\" has shape [16]; expected [vocabulary, embedding_length]");
  }

  @Test
  void typesThatTheKernelsDoNotRead() {
    GgufBuilder gguf = GgufModels.llama().tensor("blk.0.attn_norm.weight", 26, new byte[64], 16);
    refused(
        gguf,
        "tensor \"blk.0.attn_norm.weight\" has type I32; expected one of"
            + " [f32, f16, bf16, q8_0, q4_0, q4_k, q5_k, q6_k]");
  }

  @Test
  void oneAndTwoNormsOfFalcon() {
    load(
        GgufModels.falcon()
            .tensor("blk.0.attn_norm_2.weight", new float[16], 16)
            .tensor("blk.0.attn_norm_2.bias", new float[16], 16));
    refused(
        GgufModels.falcon().tensor("blk.0.attn_norm_2.weight", new float[16], 16),
        "tensor \"blk.0.attn_norm_2.bias\" is missing; expected one of shape [16]");
    refused(
        GgufModels.falcon().string("falcon.tensor_data_layout", "other"),
        "falcon.tensor_data_layout is \"other\"; expected \"jploski\"");
  }

  @ParameterizedTest
  @CsvSource({
    "llama, blk.0.attn_q.bias, blk.0.attn_k.bias",
    "llama, blk.0.ffn_up.bias, blk.0.ffn_gate.bias",
    "falcon, blk.0.attn_qkv.bias, blk.0.attn_output.bias",
    "mpt, blk.0.attn_norm.bias, blk.0.attn_qkv.bias"
  })
  void oneBiasAsksForTheOthers(String id, String bias, String other) {
    long size = bias.contains("attn_qkv") || bias.contains("ffn_up") ? 32 : 16;
    refused(
        model(id).tensor(bias, new float[(int) size], size),
        "tensor \"" + other + "\" is missing; expected one of shape");
  }

  @Test
  void sinkLogits() {
    String name = "blk.0.attn_sinks.weight";
    refused(
        GgufModels.gptNeox().tensor(name, new float[] {0, Float.NaN}, 2),
        "tensor \"" + name + "\" has NaN; expected finite numbers");
    refused(
        GgufModels.gptNeox().tensor(name, new float[3], 3),
        "tensor \"" + name + "\" has shape [3]; expected [2]");
  }

  @Test
  void sinkToken() {
    assertThat(ModelConfig.read(load(GgufModels.llama()).config()).sinks().token()).isEmpty();
    String key = "sinkstream.sink_token_id";
    assertThat(ModelConfig.read(load(GgufModels.llama().uint32(key, 3)).config()).sinks().token())
        .hasValue(3);
    refused(
        GgufModels.llama().uint32(key, 1 << 20), key + " is 1048576; expected a token id from 0");
  }

  @Test
  void frequencyDivisors() {
    float[] divisors = {1, 2, 4, 8};
    load(GgufModels.llama().tensor("rope_freqs.weight", divisors, 4));
    refused(
        GgufModels.llama().tensor("rope_freqs.weight", new float[3], 3),
        "tensor \"rope_freqs.weight\" has shape [3]; expected [4]");
    for (float bad : new float[] {0, -1, Float.NaN, Float.POSITIVE_INFINITY}) {
      refused(
          GgufModels.llama().tensor("rope_freqs.weight", new float[] {1, 1, bad, 1}, 4),
          "tensor \"rope_freqs.weight\" has " + bad + "; expected finite numbers above 0");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "qwen2, rope_freqs.weight",
    "qwen2, blk.0.attn_output.bias",
    "mpt, blk.0.attn_q_norm.weight",
    "mpt, position_embd.weight",
    "llama, blk.0.attn_qkv.weight",
    "llama, blk.0.ffn_gate_inp.weight",
    "llama, blk.0.attn_q.scale",
    "llama, output.bias",
    "gptneox, blk.0.attn_norm_2.weight"
  })
  void tensorsThatNobodyWouldComputeWith(String id, String name) {
    refused(
        model(id).tensor(name, new float[16], 16),
        "tensor \"" + name + "\" is not implemented for " + id);
  }

  @Test
  void tensorsThatMeanNothing() {
    GgufBuilder gguf =
        GgufModels.llama()
            .tensor("extra.weight", new float[16], 16)
            .tensor("blk.0.attn_rot_embd", new float[4], 4)
            .tensor("blk.1.attn_norm.weight", new float[16], 16);
    assertThat(load(gguf).unused()).containsExactly("blk.1.attn_norm.weight", "extra.weight");
  }

  @Test
  void otherKindsOfFiles() {
    refused(
        GgufModels.llama().string("general.type", "adapter"),
        "general.type is \"adapter\"; expected \"model\"");
    refused(
        GgufModels.llama().value("split.count", 2, (byte) 3, (byte) 0),
        "split.count is 3 (UINT16); expected 1: merge the parts with llama-gguf-split --merge");
    refused(
        GgufModels.llama().uint32("general.quantization_version", 1),
        "general.quantization_version is 1 (UINT32); expected 2");
    load(GgufModels.llama().string("general.type", "model").uint32("split.count", 1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"yarn", "longrope", "su"})
  void scalingsThatAreNotImplemented(String type) {
    refused(
        GgufModels.llama().string("llama.rope.scaling.type", type),
        "llama.rope.scaling.type is \"" + type + "\"; expected none, or linear with a factor of 1");
  }

  @Test
  void linearScaling() {
    for (String key :
        List.of("rope.scaling.factor", "rope.scale_linear", "rope.scaling.attn_factor")) {
      refused(
          GgufModels.gptNeox().float32("gptneox." + key, 4),
          "gptneox." + key + " is 4.0 (FLOAT32); expected 1: other scalings are not implemented");
    }
    load(
        GgufModels.llama()
            .string("llama.rope.scaling.type", "linear")
            .float32("llama.rope.scaling.factor", 1)
            .uint32("llama.rope.scaling.original_context_length", 64)
            .bool("llama.rope.scaling.finetuned", false)
            .float32("llama.rope.scaling.yarn_beta_fast", 32));
  }

  @Test
  void slidingWindows() {
    load(GgufModels.llama().uint32("llama.attention.sliding_window", 64));
    load(GgufModels.llama().uint32("llama.attention.sliding_window", 0));
    refused(
        "llama",
        "attention.sliding_window",
        63,
        "expected null or at least llama.context_length (64): here the cache policy sets the"
            + " window");
  }

  @Test
  void settingsThatAreNotImplemented() {
    refused("llama", "expert_count", 8, "expected 0: mixtures of experts are not implemented");
    refused(
        GgufModels.llama().bool("llama.attention.causal", false),
        "llama.attention.causal is false (BOOL); expected true");
    refused(
        GgufModels.llama()
            .float32("llama.logit_scale", 2)
            .float32("llama.attention.scale", 0.5)
            .uint32("falcon.logit_scale", 3),
        "unknown, and therefore refused: \"llama.attention.scale\", \"llama.logit_scale\"");
    refused(
        GgufModels.mpt().float32("mpt.rope.freq_base", 10_000),
        "unknown, and therefore refused: \"mpt.rope.freq_base\"");
    refused(
        GgufModels.mpt().uint32("mpt.feed_forward_length", 33),
        "mpt.feed_forward_length is 33 (UINT32); expected a multiple of mpt.embedding_length (16)");
    refused(
        GgufModels.mpt().float32("mpt.attention.max_alibi_bias", 0),
        "mpt.attention.max_alibi_bias is 0.0; expected a finite number above 0");
  }

  @Test
  void fingerprintsTellModelsApart() {
    String original = fingerprint(GgufModels.llama());
    assertThat(original).matches("[0-9a-f]{64}").isEqualTo(fingerprint(GgufModels.llama()));
    assertThat(fingerprint(GgufModels.llama().float32("llama.rope.freq_base", 20_000)))
        .isNotEqualTo(original);
    float[] norm = new float[16];
    norm[3] = 1;
    assertThat(fingerprint(GgufModels.llama().tensor("output_norm.weight", norm, 16)))
        .isNotEqualTo(original);
    assertThat(
            fingerprint(
                GgufModels.llama().tensor("rope_freqs.weight", new float[] {1, 1, 1, 2}, 4)))
        .isNotEqualTo(original);
  }

  private String fingerprint(GgufBuilder gguf) {
    return load(gguf, Checkpoint::fingerprint);
  }
}
