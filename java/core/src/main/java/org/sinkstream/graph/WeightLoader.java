package org.sinkstream.graph;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.sinkstream.checkpoint.Checkpoint;
import org.sinkstream.checkpoint.GgufArchitecture;
import org.sinkstream.checkpoint.TensorView;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.ElementType;
import org.sinkstream.kernels.Norm;
import org.sinkstream.kernels.Operations;
import org.sinkstream.kernels.QkvLayout;
import org.sinkstream.kernels.Tensor;
import org.sinkstream.kernels.Weights;

/**
 * Reads weights by name from a checkpoint onto a device, each held to the shape the config implies.
 * Norms and biases are widened to float32; matrices stay where the file is mapped or are packed.
 *
 * @param packed whether linear layers are copied into the order in which the kernels read them
 * @param copied whether matrices are copied, so that two of the same tensor can be one
 * @param matrices what becomes of the matrices that decoders ask for
 */
record WeightLoader(
    Device device,
    Arena arena,
    Checkpoint checkpoint,
    boolean packed,
    boolean copied,
    Function<StackedWeights, Weights> matrices) {
  /**
   * One linear layer of a checkpoint: {@code name.weight} [rows, columns] and, where {@code
   * biased}, {@code name.bias} [rows].
   */
  record Part(String name, int rows, boolean biased) {}

  /** Linear layers of equal width as one matrix. */
  Weights linear(int columns, Part... parts) {
    return load(columns, Stream.of(parts).map(part -> read(part, columns, packed)).toList());
  }

  /** One linear layer. */
  Weights linear(String name, int rows, int columns, boolean biased) {
    return linear(columns, new Part(name, rows, biased));
  }

  /**
   * The two ends of a model, [vocabulary, hidden] both.
   *
   * @param embedding its rows are read one by one
   * @param head the same matrix where a device copies weights and rounds none of it
   */
  record Ends(Weights embedding, Weights head) {}

  /** The embedding and the head of a model, which may have the embedding's tensor. */
  Ends ends(String embedding, String head, ModelConfig c) {
    int rows = c.vocabulary();
    Weights.Part table = read(new Part(embedding, rows, false), c.hidden(), false);
    boolean rounded = packed && table.type() == ElementType.F32;
    if (c.tiedEmbeddings() && copied && !rounded) {
      Weights both = linear(embedding, rows, c.hidden(), false);
      return new Ends(both, both);
    }
    return new Ends(
        load(c.hidden(), List.of(table)),
        linear(c.tiedEmbeddings() ? embedding : head, rows, c.hidden(), false));
  }

  private Weights load(int columns, List<Weights.Part> parts) {
    return matrices.apply(new StackedWeights(columns, parts));
  }

  private Weights.Part read(Part part, int columns, boolean packed) {
    TensorView weight = checkpoint.tensor(part.name + ".weight", part.rows, columns);
    float @Nullable [] bias = part.biased ? vector(part.name + ".bias", part.rows) : null;
    return new Weights.Part(weight.data(), weight.type(), part.rows, bias, packed);
  }

  /**
   * Where Q, K and V lie in a family whose own order is by KV groups; the container may have
   * another.
   */
  QkvLayout groupedQkv(int heads, int kvHeads, int headDim) {
    return checkpoint.arrangement().stackedQkv()
        ? QkvLayout.stacked(heads, kvHeads, headDim)
        : QkvLayout.grouped(heads, kvHeads, headDim);
  }

  /**
   * What each rotated pair's frequency is divided by, {@code rope_freqs.weight} [pairs]: how GGUF
   * files say Llama 3's scaling. Empty where there is none.
   */
  Optional<float[]> frequencyDivisors(int pairs) {
    String name = GgufArchitecture.ROPE_FACTORS;
    if (!checkpoint.has(name)) {
      return Optional.empty();
    }
    float[] divisors = vector(name, pairs);
    for (float divisor : divisors) {
      if (!(divisor > 0) || Float.isInfinite(divisor)) {
        throw checkpoint.refuse(name, "has %s; expected finite numbers above 0".formatted(divisor));
      }
    }
    return Optional.of(divisors);
  }

  /**
   * Sink logits of one layer, [1, heads]: the tensor {@code name} [heads], without {@code .weight},
   * as HF {@code modeling_gpt_oss.py} has it; zeros where the config says {@code zero_sink}; null
   * where neither is there.
   */
  @Nullable Tensor sinkLogits(String name, ModelConfig c) {
    if (!checkpoint.has(name)) {
      return c.sinks().zeroLogits() ? Tensor.of(device, arena, new float[c.heads()]) : null;
    }
    if (c.sinks().zeroLogits()) {
      throw checkpoint.refuse(name, "is there and zero_sink is true; expected one of them");
    }
    float[] logits = vector(name, c.heads());
    for (float logit : logits) {
      if (!Float.isFinite(logit)) {
        throw checkpoint.refuse(name, "has %s; expected finite numbers".formatted(logit));
      }
    }
    return Tensor.of(device, arena, logits);
  }

  /** An RMS norm: {@code name.weight} [size]. */
  Norm rmsNorm(String name, int size, double epsilon) {
    return Norm.rms(arena, tensor(name + ".weight", size), (float) epsilon);
  }

  /**
   * A layer norm: {@code name.weight} [size] and, where {@code biased}, {@code name.bias} [size].
   */
  Norm layerNorm(String name, int size, double epsilon, boolean biased) {
    return Norm.layer(
        arena,
        tensor(name + ".weight", size),
        biased ? tensor(name + ".bias", size) : null,
        (float) epsilon);
  }

  private Tensor tensor(String name, int size) {
    return Tensor.of(device, arena, vector(name, size));
  }

  private float[] vector(String name, int size) {
    TensorView view = checkpoint.tensor(name, size);
    return new Operations(device).widen(view.data(), view.type(), size);
  }
}
