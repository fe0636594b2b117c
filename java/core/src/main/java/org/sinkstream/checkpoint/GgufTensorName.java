package org.sinkstream.checkpoint;

import java.util.Optional;

/**
 * A layer's two names, without {@code .weight} and {@code .bias}.
 *
 * @param huggingFace in Hugging Face checkpoints
 * @param gguf in GGUF files
 * @param biased whether it may have a bias
 */
public record GgufTensorName(String huggingFace, String gguf, boolean biased) {
  private static final String WEIGHT = ".weight";
  private static final String BIAS = ".bias";

  /** A layer that never has a bias. */
  static GgufTensorName plain(String huggingFace, String gguf) {
    return new GgufTensorName(huggingFace, gguf, false);
  }

  /** A layer that may have a bias. */
  static GgufTensorName biased(String huggingFace, String gguf) {
    return new GgufTensorName(huggingFace, gguf, true);
  }

  /** The name in GGUF files, where {@code name} is one of this layer's. */
  Optional<String> toGguf(String name) {
    return translate(name, huggingFace, gguf);
  }

  /** The name in Hugging Face checkpoints, where {@code name} is one of this layer's. */
  Optional<String> toHuggingFace(String name) {
    return translate(name, gguf, huggingFace);
  }

  private Optional<String> translate(String name, String from, String to) {
    if (name.equals(from + WEIGHT)) {
      return Optional.of(to + WEIGHT);
    }
    return biased && name.equals(from + BIAS) ? Optional.of(to + BIAS) : Optional.empty();
  }
}
