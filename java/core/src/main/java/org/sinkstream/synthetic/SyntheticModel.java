package org.sinkstream.synthetic;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.sinkstream.checkpoint.Arrangement;
import org.sinkstream.checkpoint.Checkpoint;
import org.sinkstream.checkpoint.Config;
import org.sinkstream.checkpoint.StoredTensor;
import org.sinkstream.convert.Mixture;
import org.sinkstream.error.DeviceMemoryException;
import org.sinkstream.graph.ModelConfig;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.ElementType;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A model with random weights in memory: for measuring, not for text.
 *
 * @param name for messages
 * @param config what it is
 * @param mixture which type each matrix has
 * @param seed the same one gives the same weights
 */
public record SyntheticModel(String name, Config config, Mixture mixture, long seed) {
  /** Tensors begin at multiples of this many bytes. */
  private static final long ALIGNMENT = 64;

  /** The published config of a shape. */
  public static Config config(String shape) {
    String file = shape + ".json";
    try (InputStream in = SyntheticModel.class.getResourceAsStream(file)) {
      byte[] json = Objects.requireNonNull(in, () -> file + " is not in the jar").readAllBytes();
      return Config.of(shape, (ObjectNode) JsonMapper.shared().readTree(json), Map.of());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Makes the weights.
   *
   * @param arena owns them
   * @param packed whether they are about to be packed, which takes as much memory again
   * @throws DeviceMemoryException if there is not the memory; none has been allocated then
   */
  public Checkpoint create(Device device, Arena arena, boolean packed) {
    List<SyntheticTensor> tensors = new SyntheticTensors(ModelConfig.read(config)).all();
    Map<String, StoredTensor> stored = new ConcurrentHashMap<>();
    try (RandomWeights random = new RandomWeights(device, arena, seed)) {
      if (device.sharesHostMemory()) {
        createApart(tensors, stored, random, device, arena, packed);
      } else {
        createShared(tensors, stored, random, arena);
      }
    }
    return new Checkpoint(
        name,
        config,
        config.tokenIds("eos_token_id"),
        Arrangement.HUGGING_FACE,
        stored,
        UnaryOperator.identity());
  }

  /** Every tensor in memory of its own, for the kernels to read. */
  private void createApart(
      List<SyntheticTensor> tensors,
      Map<String, StoredTensor> stored,
      RandomWeights random,
      Device device,
      Arena arena,
      boolean packed) {
    List<Long> begins = new ArrayList<>();
    long bytes = 0;
    long copies = 0;
    for (SyntheticTensor tensor : tensors) {
      begins.add(bytes);
      bytes = Math.addExact(bytes, aligned(tensor.bytes(type(tensor))));
      copies += packed && type(tensor).packs() ? tensor.bytes(type(tensor)) : 0;
    }
    requireRoom(device, bytes, copies);
    MemorySegment memory = device.allocate(arena, bytes);
    IntStream.range(0, tensors.size())
        .parallel()
        .forEach(i -> {
          SyntheticTensor tensor = tensors.get(i);
          ElementType type = type(tensor);
          MemorySegment data = memory.asSlice(begins.get(i), tensor.bytes(type));
          random.fill(tensor, i, type, data);
          stored.put(tensor.name(), stored(tensor, type, data));
        });
  }

  /** Refuses weights that would not fit, before any of them is allocated. */
  private void requireRoom(Device device, long bytes, long copies) {
    long available = device.memory().available();
    if (available < Math.addExact(bytes, copies)) {
      throw new DeviceMemoryException(
          "%s: its weights take %d bytes and packed copies of them %d; %d are available"
              .formatted(name, bytes, copies, available));
    }
  }

  /** The same numbers in little memory, for a device that copies them. */
  private void createShared(
      List<SyntheticTensor> tensors,
      Map<String, StoredTensor> stored,
      RandomWeights random,
      Arena arena) {
    for (int i = 0; i < tensors.size(); i++) {
      SyntheticTensor tensor = tensors.get(i);
      ElementType type = type(tensor);
      MemorySegment data;
      if (tensor.isMatrix()) {
        data = random.shared(tensor, i, type, mostRows(tensors, tensor.columns()));
      } else {
        data = arena.allocate(tensor.bytes(type), ALIGNMENT);
        random.fill(tensor, i, type, data);
      }
      stored.put(tensor.name(), stored(tensor, type, data));
    }
  }

  private static long mostRows(List<SyntheticTensor> tensors, int columns) {
    return tensors.stream()
        .filter(tensor -> tensor.columns() == columns)
        .mapToLong(SyntheticTensor::rows)
        .max()
        .orElseThrow();
  }

  private ElementType type(SyntheticTensor tensor) {
    return mixture.stored(tensor.ggufName(), tensor.shape());
  }

  private static StoredTensor stored(SyntheticTensor tensor, ElementType type, MemorySegment data) {
    return new StoredTensor(
        tensor.name(), type.name(), Optional.of(type), tensor.shape(), data.asReadOnly());
  }

  private static long aligned(long bytes) {
    return Math.addExact(bytes, ALIGNMENT - 1) & -ALIGNMENT;
  }
}
