package org.sinkstream.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.ElementType;
import org.sinkstream.kernels.Tensor;

/**
 * One token through one layer's attention at steady state, 4 sink tokens and a full window: ours,
 * with the fastest kernels and with the reference kernels, and the published way. Each call takes
 * the next layer of as many as no processor cache holds, so that keys and values are read from
 * memory, as those of a model are.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class AttentionBenchmark {
  /** What all are measured at. */
  @State(Scope.Thread)
  @NullUnmarked // JMH fills the state
  public static class Size {
    @Param Heads heads;

    @Param({"256", "1024", "4096"})
    int cacheTokens;
  }

  /** Our stream. */
  @State(Scope.Thread)
  @NullUnmarked // JMH fills the state
  public static class Ours {
    private static final String FASTEST = "fastest";

    @Param({FASTEST, "reference"})
    String kernels;

    @Param({"F32", "F16", "BF16", "Q8_0"})
    ElementType kvType;

    private final Arena arena = Arena.ofConfined();
    private Device device;
    private FullStream stream;

    /** Fills the cache past its window. */
    @Setup(Level.Trial)
    public void fill(Size size) {
      device = kernels.equals(FASTEST) ? Device.openCpu(0) : Device.openCpu(0, kernels);
      stream =
          new FullStream(
              device,
              arena,
              size.heads,
              size.cacheTokens,
              kvType,
              FullStream.manyLayers(size.heads, size.cacheTokens, kvType));
    }

    /** Frees the cache and ends the threads. */
    @TearDown(Level.Trial)
    public void close() {
      arena.close();
      device.close();
    }
  }

  /** The published way, which has no quantised cache. */
  @State(Scope.Thread)
  @NullUnmarked // JMH fills the state
  public static class Published {
    @Param({"F32", "F16", "BF16"})
    ElementType kvType;

    private final Arena arena = Arena.ofConfined();
    private RotateEverything cache;
    private MemorySegment queries;
    private MemorySegment rows;
    private MemorySegment out;

    /** Makes the cache and a token. */
    @Setup(Level.Trial)
    public void open(Size size) {
      Heads heads = size.heads;
      int window = size.cacheTokens - FullStream.SINKS;
      int layers = FullStream.manyLayers(heads, size.cacheTokens, kvType);
      cache = new RotateEverything(0, layers, heads, FullStream.SINKS, window, kvType);
      long headBytes = (long) heads.headDim * Float.BYTES;
      queries = arena.allocate(heads.heads * headBytes, 64);
      rows = arena.allocate(heads.kvHeads * headBytes, 64);
      out = arena.allocate(heads.heads * headBytes, 64);
      FullStream.fillRandom(queries);
      FullStream.fillRandom(rows);
    }

    /** Frees the cache and ends the threads. */
    @TearDown(Level.Trial)
    public void close() {
      cache.close();
      arena.close();
    }
  }

  /** Append and attend, and a layer's share of begin and commit. */
  @Benchmark
  public Tensor streaming(Ours ours) {
    return ours.stream.nextLayer();
  }

  /** Copy, rotate every key, attend. */
  @Benchmark
  public MemorySegment rotateEverything(Published published) {
    published.cache.nextLayer(published.queries, published.rows, published.rows, published.out);
    return published.out;
  }
}
