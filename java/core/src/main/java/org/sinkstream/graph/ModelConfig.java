package org.sinkstream.graph;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import org.sinkstream.checkpoint.Config;
import org.sinkstream.kernels.Attention;
import org.sinkstream.kernels.RotaryLayout;

/**
 * What a checkpoint's {@code config.json} says of the model, in the terms of its family. Immutable
 * and thread-safe. Fields are those of HF transformers, in the spelling of published checkpoints
 * and in today's.
 */
public sealed interface ModelConfig permits LlamaConfig, MptConfig, FalconConfig, PythiaConfig {
  /** The {@code model_type}, e.g. {@code llama}. */
  String architecture();

  /** Decoder layers. */
  int layers();

  /** Width of the residual stream. */
  int hidden();

  /** Inner width of the MLP. */
  int intermediate();

  /** Query heads. */
  int heads();

  /** Key and value heads; divides {@link #heads}. */
  int kvHeads();

  /** Channels of a head: a multiple of 8, at most {@link Attention#MAX_HEAD_DIM}. */
  int headDim();

  /** Tokens in the vocabulary. */
  int vocabulary();

  /** Whether the output head is the embedding. */
  boolean tiedEmbeddings();

  /** Positions the model was trained on. */
  int trainedContext();

  /** Rotary position embedding; empty where positions enter through ALiBi. */
  default Optional<RopeConfig> rope() {
    return Optional.empty();
  }

  /** One ALiBi slope for each query head; empty where there is no such bias. */
  default double[] alibiSlopes() {
    return new double[0];
  }

  /** Factor of the attention scores. */
  default double softmaxScale() {
    return 1 / Math.sqrt(headDim());
  }

  /** What it says of sink logits and of a sink token. */
  SinkConfig sinks();

  /**
   * The shape of attention in every layer.
   *
   * @param rotaryLayout how the checkpoint's rows of queries and keys are ordered
   */
  default Attention.Shape attentionShape(RotaryLayout rotaryLayout) {
    double[] slopes = alibiSlopes();
    float[] narrowed = new float[slopes.length];
    for (int i = 0; i < slopes.length; i++) {
      narrowed[i] = (float) slopes[i];
    }
    return new Attention.Shape(
        layers(),
        heads(),
        kvHeads(),
        headDim(),
        (float) softmaxScale(),
        rope().map(RopeConfig::inverseFrequencies).orElseGet(() -> new double[0]),
        rotaryLayout,
        narrowed);
  }

  /**
   * Reads the config of a supported {@code model_type}.
   *
   * @throws org.sinkstream.error.CheckpointException for a field that is missing, out of range,
   *     contradictory, or unknown
   */
  static ModelConfig read(Config config) {
    Map<String, Function<Config, ModelConfig>> families =
        new TreeMap<>(
            Map.of(
                "llama", LlamaConfig::read,
                "mistral", LlamaConfig::read,
                "qwen2", LlamaConfig::read,
                "mpt", MptConfig::read,
                "falcon", FalconConfig::read,
                "RefinedWeb", FalconConfig::read,
                "RefinedWebModel", FalconConfig::read,
                "gpt_neox", PythiaConfig::read));
    Function<Config, ModelConfig> family = families.get(config.string("model_type"));
    if (family == null) {
      throw config.refuse("model_type", "one of " + String.join(", ", families.keySet()));
    }
    ModelConfig model = family.apply(config);
    config.only("is_encoder_decoder", false);
    config.only("add_cross_attention", false);
    InertFields.ignore(config);
    config.refuseUnknown();
    return model;
  }
}
