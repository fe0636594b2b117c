package org.sinkstream.bench;

import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.sinkstream.kernels.Norm;
import org.sinkstream.kernels.Tensor;

/** Norms of one row and of a prefill chunk. */
@NullUnmarked // JMH fills the state
public class NormBenchmark extends KernelBenchmark {
  @Param({"2048", "4096"})
  int columns;

  @Param({"1", "256"})
  int rows;

  private Tensor x;
  private Norm rms;
  private Norm layer;
  private Tensor y;

  /** Fills the rows. */
  @Setup(Level.Trial)
  public void fill() {
    x = random(rows, columns);
    rms = Norm.rms(arena, random(1, columns), 1e-5f);
    layer = Norm.layer(arena, random(1, columns), random(1, columns), 1e-5f);
    y = Tensor.allocate(device, arena, rows, columns);
  }

  /** RMS norm. */
  @Benchmark
  public Tensor rmsNorm() {
    operations.normalize(rms, x, rows, y);
    return y;
  }

  /** Layer norm. */
  @Benchmark
  public Tensor layerNorm() {
    operations.normalize(layer, x, rows, y);
    return y;
  }
}
