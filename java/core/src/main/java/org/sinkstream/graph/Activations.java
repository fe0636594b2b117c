package org.sinkstream.graph;

import org.sinkstream.checkpoint.Config;
import org.sinkstream.kernels.Operations.Gelu;

/** Activation functions by the names that configs give them (HF {@code activations.py}). */
final class Activations {
  private Activations() {}

  /** The kind of GELU that a field names; exact where it is left out. */
  static Gelu gelu(Config config, String field) {
    return switch (config.string(field, "gelu")) {
      case "gelu" -> Gelu.EXACT;
      case "gelu_new", "gelu_fast", "gelu_pytorch_tanh" -> Gelu.TANH;
      default -> throw config.refuse(field, "gelu, gelu_new, gelu_fast or gelu_pytorch_tanh");
    };
  }
}
