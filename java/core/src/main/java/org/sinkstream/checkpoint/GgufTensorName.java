package org.sinkstream.checkpoint;

import java.util.Optional;

/**
 * A layer's two names, without {@code .weight} and {@code .bias}.
 *
 * @param huggingFace in Hugging Face checkpoints
 * @param gguf in GGUF files
 * @param kind which tensors it has
 */
public record GgufTensorName(String huggingFace, String gguf, Kind kind) {
  private static final String WEIGHT = ".weight";
  private static final String BIAS = ".bias";

  /** Which tensors a layer has. */
  public enum Kind {
    /** One, {@code .weight}. */
    WEIGHT,
    /** Perhaps {@code .bias} as well. */
    WEIGHT_AND_BIAS,
    /** One, whose Hugging Face name has nothing behind it. */
    BARE
  }

  /** A layer that never has a bias. */
  static GgufTensorName plain(String huggingFace, String gguf) {
    return new GgufTensorName(huggingFace, gguf, Kind.WEIGHT);
  }

  /** A single tensor without {@code .weight} in Hugging Face checkpoints. */
  static GgufTensorName bare(String huggingFace, String gguf) {
    return new GgufTensorName(huggingFace, gguf, Kind.BARE);
  }

  /** A layer that may have a bias. */
  static GgufTensorName biased(String huggingFace, String gguf) {
    return new GgufTensorName(huggingFace, gguf, Kind.WEIGHT_AND_BIAS);
  }

  /** The name in GGUF files, where {@code name} is one of this layer's. */
  Optional<String> toGguf(String name) {
    return translate(name, huggingFace, weight(), gguf, WEIGHT);
  }

  /** The name in Hugging Face checkpoints, where {@code name} is one of this layer's. */
  Optional<String> toHuggingFace(String name) {
    return translate(name, gguf, WEIGHT, huggingFace, weight());
  }

  /** How the Hugging Face name of the weight ends. */
  private String weight() {
    return kind == Kind.BARE ? "" : WEIGHT;
  }

  private Optional<String> translate(
      String name, String from, String fromWeight, String to, String toWeight) {
    if (name.equals(from + fromWeight)) {
      return Optional.of(to + toWeight);
    }
    return kind == Kind.WEIGHT_AND_BIAS && name.equals(from + BIAS)
        ? Optional.of(to + BIAS)
        : Optional.empty();
  }
}
