package org.sinkstream.synthetic;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.ElementType;
import org.sinkstream.kernels.Operations;

/**
 * Random numbers of a size that keeps activations finite: matrices normal with variance 1 /
 * columns, norms 1, biases small. A matrix repeats some rows, each matrix from another one on:
 * making new ones for all of a large model would take minutes. Thread-safe.
 */
final class RandomWeights implements AutoCloseable {
  private static final int TILE_VALUES = 1 << 20;
  private static final double BIAS = 0.02;

  private final Operations operations;
  private final long seed;
  private final Arena arena = Arena.ofShared();
  private final Map<RowKind, MemorySegment> tiles = new ConcurrentHashMap<>();
  private final Arena repeatedArena;
  private final Map<RowKind, MemorySegment> repeated = new HashMap<>();

  private record RowKind(ElementType type, int columns) {
    long bytes() {
      return type.bytes(columns);
    }
  }

  /**
   * Makes nothing yet.
   *
   * @param sharedArena of what {@link #shared} gives, which outlives this
   */
  RandomWeights(Device device, Arena sharedArena, long seed) {
    this.repeatedArena = sharedArena;
    this.operations = new Operations(device);
    this.seed = seed;
  }

  /**
   * Writes a tensor.
   *
   * @param index of the tensor in its model
   * @param type float32 for vectors
   * @param target as many bytes as it has
   */
  void fill(SyntheticTensor tensor, int index, ElementType type, MemorySegment target) {
    SplittableRandom random = new SplittableRandom(seed + index);
    if (tensor.isMatrix()) {
      fillMatrix(tensor, type, random, target);
    } else {
      for (long i = 0; i < tensor.columns(); i++) {
        double value = tensor.isNormWeight() ? 1 : BIAS * random.nextGaussian();
        target.setAtIndex(JAVA_FLOAT, i, (float) value);
      }
    }
  }

  /**
   * A matrix as {@link #fill} writes it, in memory that it shares with others of its type and
   * width: for whoever copies it anyway. Not thread-safe.
   *
   * @param mostRows of any matrix of this type and width
   */
  MemorySegment shared(SyntheticTensor tensor, int index, ElementType type, long mostRows) {
    RowKind kind = new RowKind(type, tensor.columns());
    MemorySegment tile = tiles.computeIfAbsent(kind, this::tile);
    long rows = tile.byteSize() / kind.bytes();
    MemorySegment all =
        repeated.computeIfAbsent(kind, ignored -> repeat(tile, (rows + mostRows) * kind.bytes()));
    long from = new SplittableRandom(seed + index).nextLong(rows) * kind.bytes();
    return all.asSlice(from, tensor.bytes(type));
  }

  private MemorySegment repeat(MemorySegment tile, long bytes) {
    MemorySegment target = operations.device().host().allocate(repeatedArena, bytes);
    for (long at = 0; at < bytes; at += tile.byteSize()) {
      MemorySegment.copy(tile, 0, target, at, Math.min(tile.byteSize(), bytes - at));
    }
    return target;
  }

  private void fillMatrix(
      SyntheticTensor tensor, ElementType type, SplittableRandom random, MemorySegment target) {
    RowKind kind = new RowKind(type, tensor.columns());
    MemorySegment tile = tiles.computeIfAbsent(kind, this::tile);
    long rows = tile.byteSize() / kind.bytes();
    long from = random.nextLong(rows) * kind.bytes();
    for (long at = 0; at < target.byteSize(); ) {
      long count = Math.min(tile.byteSize() - from, target.byteSize() - at);
      MemorySegment.copy(tile, from, target, at, count);
      at += count;
      from = 0;
    }
  }

  private MemorySegment tile(RowKind kind) {
    int rows = Math.max(1, TILE_VALUES / kind.columns);
    SplittableRandom random = new SplittableRandom(seed ^ kind.columns);
    MemorySegment tile = arena.allocate(rows * kind.bytes(), Long.BYTES);
    try (Arena call = Arena.ofConfined()) {
      MemorySegment values = call.allocate(JAVA_FLOAT, (long) rows * kind.columns);
      double scale = 1 / Math.sqrt(kind.columns);
      for (long i = 0; i < (long) rows * kind.columns; i++) {
        values.setAtIndex(JAVA_FLOAT, i, (float) (scale * random.nextGaussian()));
      }
      operations.quantize(values, kind.type, rows, kind.columns, tile);
    }
    return tile;
  }

  @Override
  public void close() {
    arena.close();
  }
}
