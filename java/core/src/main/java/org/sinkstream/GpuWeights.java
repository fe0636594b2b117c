package org.sinkstream;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.sinkstream.checkpoint.Checkpoint;
import org.sinkstream.convert.Mixture;
import org.sinkstream.error.DeviceMemoryException;
import org.sinkstream.graph.ModelConfig;
import org.sinkstream.graph.Network;
import org.sinkstream.graph.StackedWeights;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.ElementType;
import org.sinkstream.kernels.GpuLayout;
import org.sinkstream.kernels.Weights;

/**
 * What a checkpoint's weights become on a GPU, and whether they fit.
 *
 * @param source the model, for messages
 * @param stacks its matrices
 * @param vocabulary rows of its ends, the embedding and the head
 */
record GpuWeights(String source, List<StackedWeights> stacks, int vocabulary) {
  private static final Logger LOGGER = System.getLogger(GpuWeights.class.getName());

  /** What a model that is too large can be converted to. */
  private static final List<WeightType> SMALLER =
      List.of(WeightType.F16, WeightType.Q8_0, WeightType.Q4_0);

  /**
   * For norms, biases, what files go through on their way, and what allocations are rounded up.
   * What steps need is asked for by a cache ({@code cuda/backend/gpu.h}).
   */
  static final long LOADING_BYTES = 256L << 20;

  /**
   * What a checkpoint's weights become.
   *
   * @param rounded whether float32 matrices become f16
   */
  static GpuWeights of(
      String source, Checkpoint checkpoint, ModelConfig config, Device host, boolean rounded) {
    return new GpuWeights(
        source, Network.stacks(host, checkpoint, config, rounded), config.vocabulary());
  }

  /** Bytes of the matrices. */
  long bytes() {
    return stacks.stream().mapToLong(GpuWeights::bytes).sum();
  }

  /** Bytes of one of them, but for its bias. */
  static long bytes(StackedWeights stack) {
    return GpuLayout.bytes(GpuLayout.heldAs(stack.parts()), stack.rows(), stack.columns());
  }

  /** Types that are held as another, such as {@code q4_k as f16}. */
  Set<String> changed() {
    Set<String> changed = new TreeSet<>();
    for (StackedWeights stack : stacks) {
      ElementType held = GpuLayout.heldAs(stack.parts());
      stack.parts().stream()
          .map(Weights.Part::type)
          .filter(type -> type != held)
          .forEach(type -> changed.add(type + " as " + held));
    }
    return changed;
  }

  /**
   * Refuses weights that do not fit, before any is copied, and says which types are held as others.
   *
   * @throws DeviceMemoryException with what is needed, what is free, and which type would fit
   */
  void requireRoom(Device device) {
    Device.Memory memory = device.memory();
    long bytes = bytes();
    if (bytes > memory.available() - LOADING_BYTES) {
      throw new DeviceMemoryException(
          "%s: its weights take %d bytes and loading them %d; %s has %d of %d free; %s"
              .formatted(
                  source,
                  bytes,
                  LOADING_BYTES,
                  device.name(),
                  memory.available(),
                  memory.total(),
                  advice(memory.available())));
    }
    Set<String> changed = changed();
    if (!changed.isEmpty()) {
      LOGGER.log(
          Level.WARNING,
          "{0}: a GPU holds some weights as another type, or has to where they are stacked: {1};"
              + " {2} bytes in all",
          source,
          String.join(", ", changed),
          String.valueOf(bytes));
    }
  }

  /** Which types would fit. */
  String advice(long available) {
    String all =
        SMALLER.stream()
            .filter(type -> bytes(type) <= available - LOADING_BYTES)
            .map(type -> "%s (%d bytes)".formatted(type, bytes(type)))
            .collect(Collectors.joining(" or "));
    return all.isEmpty() ? "it would not fit in any type" : "converted to " + all + " it would fit";
  }

  /** Bytes of the matrices once converted, the ends both as the head, which may be larger. */
  private long bytes(WeightType type) {
    Mixture mixture = type.mixture(1, false);
    return stacks.stream().mapToLong(stack -> bytes(stack, mixture)).sum();
  }

  private long bytes(StackedWeights stack, Mixture mixture) {
    ElementType wanted = stack.rows() == vocabulary ? mixture.head() : mixture.most();
    ElementType stored = Mixture.instead(wanted, stack.columns()).orElse(wanted);
    return GpuLayout.bytes(stored, stack.rows(), stack.columns());
  }
}
