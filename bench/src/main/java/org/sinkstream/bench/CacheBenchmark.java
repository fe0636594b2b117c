package org.sinkstream.bench;

import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.sinkstream.kernels.ElementType;

/** What changes one layer's full cache: a token appended, and tokens evicted by range. */
@NullUnmarked // JMH fills the state
public class CacheBenchmark extends KernelBenchmark {
  private static final int EVICTED = 16;

  @Param Heads heads;

  @Param({"256", "1024", "4096"})
  int cacheTokens;

  @Param({"F32", "F16", "BF16", "Q8_0"})
  ElementType kvType;

  private FullStream stream;

  /** Fills the cache past its window. */
  @Setup(Level.Trial)
  public void fill() {
    stream = new FullStream(device, arena, heads, cacheTokens, kvType, 1);
  }

  /** Begin, append, commit. */
  @Benchmark
  public void append() {
    stream.append();
  }

  /** 16 tokens from the middle of the window; then as many are appended, so that it stays full. */
  @Benchmark
  public void evictAndAppend() {
    stream.evict(EVICTED);
    for (int i = 0; i < EVICTED; i++) {
      stream.append();
    }
  }
}
