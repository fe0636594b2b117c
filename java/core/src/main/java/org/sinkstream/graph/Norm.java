package org.sinkstream.graph;

import org.jspecify.annotations.Nullable;
import org.sinkstream.kernels.Operations;
import org.sinkstream.kernels.Tensor;

/** A normalisation with its learned parameters. */
sealed interface Norm {
  /** Normalises each row of {@code x} into {@code y}. */
  void apply(Operations operations, Tensor x, int rows, Tensor y);

  /** Root-mean-square norm (HF LlamaRMSNorm). */
  record Rms(Tensor weight, float epsilon) implements Norm {
    @Override
    public void apply(Operations operations, Tensor x, int rows, Tensor y) {
      operations.rmsNorm(x, rows, weight, epsilon, y);
    }
  }

  /** Layer norm, its bias optional (torch LayerNorm). */
  record Layer(Tensor weight, @Nullable Tensor bias, float epsilon) implements Norm {
    @Override
    public void apply(Operations operations, Tensor x, int rows, Tensor y) {
      operations.layerNorm(x, rows, weight, bias, epsilon, y);
    }
  }
}
