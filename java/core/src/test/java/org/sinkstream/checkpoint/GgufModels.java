package org.sinkstream.checkpoint;

import java.util.Arrays;
import org.sinkstream.testing.GgufBuilder;

/**
 * Models of each architecture as llama.cpp writes them, as small as they get, of zeros: a
 * vocabulary of 5, an embedding of 16, one layer of two heads, an MLP of 32.
 */
final class GgufModels {
  static final int VOCABULARY = 5;
  private static final int HIDDEN = 16;
  private static final int HEADS = 2;
  private static final int INNER = 32;

  private GgufModels() {}

  /** Two query heads that share a key head, a head of its own. */
  static GgufBuilder llama() {
    return gated("llama")
        .uint32("llama.vocab_size", VOCABULARY)
        .uint32("llama.rope.dimension_count", HIDDEN / HEADS);
  }

  /** The embedding for a head, biases of queries, keys and values. */
  static GgufBuilder qwen2() {
    return vectors(gated("qwen2"), HIDDEN, "blk.0.attn_q.bias")
        .tensor("blk.0.attn_k.bias", new float[HIDDEN / HEADS], HIDDEN / HEADS)
        .tensor("blk.0.attn_v.bias", new float[HIDDEN / HEADS], HIDDEN / HEADS)
        .without("output.weight");
  }

  /** As the 7B: one key head, one norm. */
  static GgufBuilder falcon() {
    GgufBuilder gguf = ungated("falcon", HIDDEN + 2 * HIDDEN / HEADS);
    vectors(gguf, HIDDEN, "output_norm.bias", "blk.0.attn_norm.bias");
    return gguf.without("blk.0.ffn_norm.weight")
        .string("falcon.tensor_data_layout", "jploski")
        .uint32("falcon.attention.head_count_kv", 1)
        .without("output.weight");
  }

  /** Biases everywhere, a quarter of a head rotated. */
  static GgufBuilder gptNeox() {
    GgufBuilder gguf = ungated("gptneox", 3 * HIDDEN);
    vectors(gguf, HIDDEN, "output_norm.bias", "blk.0.attn_norm.bias", "blk.0.ffn_norm.bias");
    vectors(gguf, HIDDEN, "blk.0.attn_output.bias", "blk.0.ffn_down.bias");
    return vectors(vectors(gguf, 3 * HIDDEN, "blk.0.attn_qkv.bias"), INNER, "blk.0.ffn_up.bias")
        .uint32("gptneox.rope.dimension_count", 2)
        .bool("gptneox.use_parallel_residual", true);
  }

  /** No biases, the embedding for a head. */
  static GgufBuilder mpt() {
    return ungated("mpt", 3 * HIDDEN)
        .float32("mpt.attention.max_alibi_bias", 8)
        .without("output.weight");
  }

  private static GgufBuilder gated(String id) {
    int keys = HIDDEN / HEADS;
    GgufBuilder gguf = base(id).float32(id + ".attention.layer_norm_rms_epsilon", 1e-5);
    gguf.uint32(id + ".attention.head_count_kv", 1).float32(id + ".rope.freq_base", 10_000);
    vectors(gguf, HIDDEN, "blk.0.ffn_norm.weight");
    matrix(gguf, "blk.0.attn_q.weight", HIDDEN, HIDDEN);
    matrix(gguf, "blk.0.attn_k.weight", keys, HIDDEN);
    matrix(gguf, "blk.0.attn_v.weight", keys, HIDDEN);
    matrix(gguf, "blk.0.ffn_gate.weight", INNER, HIDDEN);
    return gguf;
  }

  private static GgufBuilder ungated(String id, int qkv) {
    GgufBuilder gguf = base(id).float32(id + ".attention.layer_norm_epsilon", 1e-5);
    vectors(gguf, HIDDEN, "blk.0.ffn_norm.weight");
    return matrix(gguf, "blk.0.attn_qkv.weight", qkv, HIDDEN);
  }

  private static GgufBuilder base(String id) {
    GgufBuilder gguf =
        new GgufBuilder()
            .string("general.architecture", id)
            .uint32(id + ".context_length", 64)
            .uint32(id + ".embedding_length", HIDDEN)
            .uint32(id + ".block_count", 1)
            .uint32(id + ".feed_forward_length", INNER)
            .uint32(id + ".attention.head_count", HEADS)
            .uint32("general.quantization_version", 2)
            .string("tokenizer.ggml.model", "llama")
            .strings("tokenizer.ggml.tokens", "<unk>", "<s>", "</s>", "a", "b")
            .floats("tokenizer.ggml.scores", 0, 0, 0, -1, -2)
            .ints("tokenizer.ggml.token_type", 2, 3, 3, 1, 1)
            .uint32("tokenizer.ggml.eos_token_id", 2);
    matrix(gguf, "token_embd.weight", VOCABULARY, HIDDEN);
    matrix(gguf, "output.weight", VOCABULARY, HIDDEN);
    vectors(gguf, HIDDEN, "output_norm.weight", "blk.0.attn_norm.weight");
    matrix(gguf, "blk.0.attn_output.weight", HIDDEN, HIDDEN);
    matrix(gguf, "blk.0.ffn_up.weight", INNER, HIDDEN);
    return matrix(gguf, "blk.0.ffn_down.weight", HIDDEN, INNER);
  }

  private static GgufBuilder matrix(GgufBuilder gguf, String name, int rows, int columns) {
    return gguf.tensor(name, new float[rows * columns], columns, rows);
  }

  private static GgufBuilder vectors(GgufBuilder gguf, int size, String... names) {
    Arrays.stream(names).forEach(name -> gguf.tensor(name, new float[size], size));
    return gguf;
  }
}
