package org.sinkstream.convert;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.sinkstream.checkpoint.Arrangement;
import org.sinkstream.checkpoint.Config;
import org.sinkstream.checkpoint.GgufArchitecture;
import org.sinkstream.checkpoint.GgufEntries;
import org.sinkstream.checkpoint.GgufKeys;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.graph.FalconConfig;
import org.sinkstream.graph.Gelu;
import org.sinkstream.graph.LlamaConfig;
import org.sinkstream.graph.ModelConfig;
import org.sinkstream.graph.MptConfig;
import org.sinkstream.graph.PythiaConfig;
import org.sinkstream.graph.RopeConfig;

/**
 * A model as GGUF files describe it: keys and the order of rows, as llama.cpp's converters write
 * them ({@code conversion/*.py}).
 *
 * @param architecture what llama.cpp calls it
 * @param config what it is
 */
public record GgufModel(GgufArchitecture architecture, ModelConfig config) {
  /**
   * Refuses what a GGUF file cannot say.
   *
   * @param fields where the config was read, for the message
   */
  public static GgufModel of(Config fields, ModelConfig config) {
    GgufArchitecture architecture =
        GgufArchitecture.ofModelType(config.architecture()).orElseThrow();
    config.rope().ifPresent(rope -> checkRotation(fields, architecture, config, rope));
    switch (config) {
      case MptConfig mpt when mpt.softmaxScale() != 1 / Math.sqrt(mpt.headDim()) ->
          throw unsayable(fields, "attn_config", "a softmax_scale of 1 / sqrt(head_dim)");
      case PythiaConfig pythia when pythia.gelu() != Gelu.EXACT ->
          throw unsayable(fields, "hidden_act", "gelu");
      default -> {}
    }
    return new GgufModel(architecture, config);
  }

  private static void checkRotation(
      Config fields, GgufArchitecture architecture, ModelConfig config, RopeConfig rope) {
    if (rope.scaling().isPresent()
        && architecture.ggufName(GgufArchitecture.ROPE_FACTORS).isEmpty()) {
      throw unsayable(fields, "rope_scaling", "none in a model of the kind " + architecture.id());
    }
    if (rope.rotaryDim() != config.headDim() && !(config instanceof PythiaConfig)) {
      throw unsayable(
          fields, "partial_rotary_factor", "1 in a model of the kind " + architecture.id());
    }
  }

  private static CheckpointException unsayable(Config fields, String name, String expected) {
    return fields.refuse(name, expected + ": GGUF files cannot say anything else");
  }

  /** Adds the keys that say what the model is. */
  public void describe(GgufEntries entries) {
    uint32(entries, GgufKeys.VOCABULARY, config.vocabulary());
    uint32(entries, GgufKeys.CONTEXT_LENGTH, config.trainedContext());
    uint32(entries, GgufKeys.EMBEDDING_LENGTH, config.hidden());
    uint32(entries, GgufKeys.BLOCK_COUNT, config.layers());
    uint32(entries, GgufKeys.FEED_FORWARD_LENGTH, config.intermediate());
    uint32(entries, GgufKeys.HEAD_COUNT, config.heads());
    uint32(entries, GgufKeys.HEAD_COUNT_KV, config.kvHeads());
    config
        .rope()
        .ifPresent(rope -> {
          uint32(entries, GgufKeys.ROPE_DIMENSIONS, rope.rotaryDim());
          float32(entries, GgufKeys.ROPE_BASE, rope.base());
        });
    switch (config) {
      case LlamaConfig llama -> {
        uint32(entries, GgufKeys.KEY_LENGTH, llama.headDim());
        uint32(entries, GgufKeys.VALUE_LENGTH, llama.headDim());
        float32(entries, GgufKeys.RMS_NORM_EPSILON, llama.normEpsilon());
      }
      case FalconConfig falcon -> {
        float32(entries, GgufKeys.NORM_EPSILON, falcon.normEpsilon());
        // What llama.cpp calls the stacked order; nothing reads it, but all its files have it.
        entries.string(architecture.key(GgufKeys.TENSOR_DATA_LAYOUT), "jploski");
      }
      case PythiaConfig pythia -> {
        float32(entries, GgufKeys.NORM_EPSILON, pythia.normEpsilon());
        entries.bool(architecture.key(GgufKeys.PARALLEL_RESIDUAL), pythia.parallelResidual());
      }
      case MptConfig mpt -> {
        float32(entries, GgufKeys.NORM_EPSILON, mpt.normEpsilon());
        float32(entries, GgufKeys.MAX_ALIBI_BIAS, mpt.alibiBiasMax());
        mpt.clipQkv().ifPresent(limit -> float32(entries, GgufKeys.CLAMP_KQV, limit));
      }
    }
    config.sinks().token().ifPresent(token -> entries.uint32(GgufKeys.SINK_TOKEN_ID, token));
  }

  private void uint32(GgufEntries entries, String key, long value) {
    entries.uint32(architecture.key(key), value);
  }

  private void float32(GgufEntries entries, String key, double value) {
    entries.float32(architecture.key(key), value);
  }

  /**
   * The order of a tensor's rows.
   *
   * @param name in GGUF files
   * @param from how the checkpoint has them
   */
  RowOrder rows(String name, Arrangement from) {
    Arrangement to = architecture.arrangement();
    if (to.interleavedRotation() != from.interleavedRotation()
        && (name.contains(".attn_q.") || name.contains(".attn_k."))) {
      return RowOrder.interleaved(config);
    }
    // MPT's own order is the stacked one.
    boolean grouped = !from.stackedQkv() && !(config instanceof MptConfig);
    return to.stackedQkv() && grouped && name.contains(".attn_qkv.")
        ? RowOrder.stacked(config)
        : RowOrder.SAME;
  }

  /** Whether the file has the embedding again as the head: llama.cpp's GPT-NeoX needs one. */
  boolean repeatsEmbedding() {
    return config.tiedEmbeddings() && config instanceof PythiaConfig;
  }

  /** Whether the embedding of the file is the head as well. */
  public boolean sharesEmbedding() {
    return config.tiedEmbeddings() && !repeatsEmbedding();
  }

  /** Vectors of the file that the checkpoint's config stands for, by their names in GGUF files. */
  Map<String, float[]> vectors() {
    Map<String, float[]> vectors = new LinkedHashMap<>();
    config
        .rope()
        .filter(rope -> rope.scaling().isPresent())
        .ifPresent(rope -> vectors.put(GgufArchitecture.ROPE_FACTORS, factors(rope)));
    for (int layer = 0; config.sinks().zeroLogits() && layer < config.layers(); layer++) {
      vectors.put(
          "blk.%d.%s.weight".formatted(layer, GgufArchitecture.SINK_LOGITS),
          new float[config.heads()]);
    }
    return vectors;
  }

  /**
   * What llama.cpp does not know of this architecture; empty where it reads the file.
   *
   * @param sinkLogits whether the model has sink logits
   */
  public Optional<String> unknownToLlamaCpp(boolean sinkLogits) {
    if (sinkLogits) {
      return Optional.of("sink logits");
    }
    return switch (config) {
      case FalconConfig falcon when falcon.biased() -> Optional.of("biases of linear layers");
      case PythiaConfig pythia when !pythia.attentionBias() ->
          Optional.of("attention without biases");
      default -> Optional.empty();
    };
  }

  /** What each rotated pair's frequency is divided by. */
  private static float[] factors(RopeConfig rope) {
    double[] scaled = rope.inverseFrequencies();
    double[] plain =
        new RopeConfig(rope.rotaryDim(), rope.base(), Optional.empty()).inverseFrequencies();
    float[] factors = new float[scaled.length];
    for (int i = 0; i < factors.length; i++) {
      factors[i] = (float) (plain[i] / scaled[i]);
    }
    return factors;
  }
}
