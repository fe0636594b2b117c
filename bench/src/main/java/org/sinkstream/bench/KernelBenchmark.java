package org.sinkstream.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.Operations;
import org.sinkstream.kernels.Tensor;

/**
 * What benchmarks of the kernels share: a device with all cores, memory, and how they are timed.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public abstract class KernelBenchmark {
  /** Where the kernels run. */
  final Device device = Device.openCpu(0);

  /** The kernels. */
  final Operations operations = new Operations(device);

  /** Owns what a benchmark allocates. */
  final Arena arena = Arena.ofConfined();

  /** A matrix of normal numbers. */
  final Tensor random(int rows, int columns) {
    SplittableRandom random = new SplittableRandom(1);
    Tensor tensor = Tensor.allocate(device, arena, rows, columns);
    for (long i = 0; i < (long) rows * columns; i++) {
      tensor.data().setAtIndex(JAVA_FLOAT, i, (float) random.nextGaussian());
    }
    return tensor;
  }

  /** Frees the memory and ends the threads. */
  @TearDown(Level.Trial)
  public void close() {
    arena.close();
    device.close();
  }
}
