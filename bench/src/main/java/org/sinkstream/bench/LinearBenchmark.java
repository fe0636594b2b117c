package org.sinkstream.bench;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.sinkstream.kernels.ElementType;
import org.sinkstream.kernels.Tensor;
import org.sinkstream.kernels.Weights;
import org.sinkstream.kernels.Workspace;

/**
 * One linear layer of TinyLlama-1.1B's MLP, of every type, for one row and for many. Each call
 * takes another copy of the matrix, so that it is read from memory, as the layers of a model are;
 * {@link #read} reads as many bytes and does nothing with them.
 */
@NullUnmarked // JMH fills the state
public class LinearBenchmark extends KernelBenchmark {
  private static final int CHANNELS = 5632;
  private static final int COLUMNS = 2048;
  private static final long COPIES_BYTES = 256 << 20; // more than processor caches hold

  @Param ElementType type;

  @Param({"1", "128"})
  int rows;

  private final List<MemorySegment> data = new ArrayList<>();
  private final List<Weights> copies = new ArrayList<>();
  private Workspace workspace;
  private Tensor x;
  private Tensor y;
  private int next;

  /** Makes the copies, of small random weights. */
  @Setup(Level.Trial)
  public void fill() {
    Tensor values = random(CHANNELS, COLUMNS);
    workspace = new Workspace(device, arena, rows, COLUMNS);
    x = random(rows, COLUMNS);
    y = Tensor.allocate(device, arena, rows, CHANNELS);
    long bytes = CHANNELS * type.bytes(COLUMNS);
    for (long at = 0; at == 0 || at + bytes <= COPIES_BYTES; at += bytes) {
      MemorySegment copy = device.allocate(arena, bytes);
      if (data.isEmpty()) {
        operations.quantize(values.data(), type, CHANNELS, COLUMNS, copy);
      } else {
        copy.copyFrom(data.getFirst());
      }
      data.add(copy);
      copies.add(
          new Weights(
              device, arena, COLUMNS, List.of(new Weights.Part(copy, type, CHANNELS, null, true))));
    }
  }

  private int nextCopy() {
    next = (next + 1) % copies.size();
    return next;
  }

  /** The linear layer. */
  @Benchmark
  public Tensor linear() {
    workspace.linear(copies.get(nextCopy()), null, x, rows, y, Workspace.Output.STORE);
    return y;
  }

  /** A plain read of its weights. */
  @Benchmark
  public long read() {
    return device.read(data.get(nextCopy()));
  }
}
