package org.sinkstream;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.sinkstream.checkpoint.Checkpoint;
import org.sinkstream.checkpoint.StoredTensor;
import org.sinkstream.error.DeviceMemoryException;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.ElementType;

/** What a checkpoint's weights become on a GPU, and whether they fit. */
final class GpuWeights {
  private static final Logger LOGGER = System.getLogger(GpuWeights.class.getName());

  /** What a model that is too large can be converted to. */
  private static final List<ElementType> SMALLER =
      List.of(ElementType.F16, ElementType.Q8_0, ElementType.Q4_0);

  private GpuWeights() {}

  /**
   * Refuses weights that do not fit, before any is copied, and says which types are held as f16.
   * Counts each tensor by itself: what is stacked with others of another type becomes f16, too.
   *
   * @param source the model, for messages
   * @param rounded whether float32 matrices become f16
   * @throws DeviceMemoryException with what is needed, what is free, and which type would fit
   */
  static void check(String source, Checkpoint checkpoint, Device device, boolean rounded) {
    Set<ElementType> widened = new TreeSet<>();
    long needed = checkpoint.sumOfAll(tensor -> bytes(tensor, rounded, widened));
    Device.Memory memory = device.memory();
    if (needed > memory.available()) {
      long parameters = checkpoint.sumOfAll(StoredTensor::elements);
      throw new DeviceMemoryException(
          "%s: its weights take %d bytes; %s has %d of %d free; %s"
              .formatted(
                  source,
                  needed,
                  device.name(),
                  memory.available(),
                  memory.total(),
                  fitting(parameters, memory.available())));
    }
    if (!widened.isEmpty()) {
      LOGGER.log(
          Level.WARNING,
          "{0}: weights of type {1} are held as f16 on a GPU, {2} bytes in all",
          source,
          widened.stream().map(GpuWeights::name).collect(Collectors.joining(", ")),
          String.valueOf(needed));
    }
  }

  private static long bytes(StoredTensor tensor, boolean rounded, Set<ElementType> widened) {
    if (tensor.type().isEmpty()) {
      return 0; // of a type that no kernel reads
    }
    ElementType type = tensor.type().get();
    ElementType held = type.onGpu(rounded && tensor.shape().size() > 1);
    if (held != type && type != ElementType.F32) {
      widened.add(type);
    }
    return held.bytesOnGpu(tensor.elements());
  }

  private static String fitting(long parameters, long available) {
    String all =
        SMALLER.stream()
            .filter(type -> type.bytesOnGpu(parameters) <= available)
            .map(type -> "%s (%d bytes)".formatted(name(type), type.bytesOnGpu(parameters)))
            .collect(Collectors.joining(" or "));
    return all.isEmpty() ? "it would not fit in any type" : "converted to " + all + " it would fit";
  }

  private static String name(ElementType type) {
    return type.name().toLowerCase(Locale.ROOT);
  }
}
