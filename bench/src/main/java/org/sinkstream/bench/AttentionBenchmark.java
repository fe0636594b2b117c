package org.sinkstream.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
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
import org.sinkstream.kernels.Attention;
import org.sinkstream.kernels.Batch;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.ElementType;
import org.sinkstream.kernels.KvCache;
import org.sinkstream.kernels.QkvLayout;
import org.sinkstream.kernels.RotaryLayout;
import org.sinkstream.kernels.Tensor;

/**
 * One token through one layer's attention at steady state: append, then attend to 4 sink tokens and
 * a full window. The figure to hold it against is the bytes of the keys and values over the
 * memory's bandwidth.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@NullUnmarked // JMH fills the state
public class AttentionBenchmark {
  /** Query heads, KV heads and channels of a head. */
  public enum Heads {
    /** Llama-2-7B: every query head has its KV head. */
    MHA_32_128(32, 32, 128),
    /** TinyLlama-1.1B: groups of eight. */
    GQA_32_4_64(32, 4, 64),
    /** Falcon-7B: one KV head for all. */
    MQA_71_64(71, 1, 64);

    private final int heads;
    private final int kvHeads;
    private final int headDim;

    Heads(int heads, int kvHeads, int headDim) {
      this.heads = heads;
      this.kvHeads = kvHeads;
      this.headDim = headDim;
    }
  }

  private static final int SINKS = 4;
  private static final double ROPE_BASE = 10000;

  @Param Heads heads;

  @Param({"256", "1024", "4096"})
  int cacheTokens;

  @Param({"F16", "F32"})
  ElementType kvType;

  private final Device device = Device.openCpu(0);
  private final Arena arena = Arena.ofConfined();
  private QkvLayout layout;
  private KvCache cache;
  private Batch batch;
  private Tensor qkv;
  private Tensor out;

  /** Fills the cache past its window. */
  @Setup(Level.Trial)
  public void fill() {
    Attention attention =
        new Attention(
            device,
            arena,
            new Attention.Shape(
                1,
                heads.heads,
                heads.kvHeads,
                heads.headDim,
                (float) (1 / Math.sqrt(heads.headDim)),
                IntStream.range(0, heads.headDim / 2)
                    .mapToDouble(i -> Math.pow(ROPE_BASE, -2.0 * i / heads.headDim))
                    .toArray(),
                RotaryLayout.HALF_SPLIT,
                new float[0]));
    layout = QkvLayout.stacked(heads.heads, heads.kvHeads, heads.headDim);
    cache = new KvCache(arena, attention, new KvCache.Spec(SINKS, cacheTokens - SINKS, 1, kvType));
    batch = new Batch(arena, attention, 1);
    qkv = Tensor.allocate(device, arena, 1, layout.columns());
    out = Tensor.allocate(device, arena, 1, heads.heads * heads.headDim);
    SplittableRandom random = new SplittableRandom(1);
    for (int t = 0; t < 2 * cacheTokens; t++) {
      for (int i = 0; i < layout.columns(); i++) {
        qkv.data().setAtIndex(JAVA_FLOAT, i, (float) random.nextGaussian());
      }
      token();
    }
  }

  /** One token: begin, append, attend, commit. */
  @Benchmark
  public Tensor token() {
    batch.begin(cache, 1);
    batch.append(0, qkv, layout);
    batch.attend(0, qkv, layout, null, out);
    batch.commit();
    return out;
  }

  /** Frees the cache and ends the threads. */
  @TearDown(Level.Trial)
  public void close() {
    arena.close();
    device.close();
  }
}
