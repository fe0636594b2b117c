package org.sinkstream.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OutputTimeUnit;

/** What a call through the Foreign Function and Memory API costs where the callee does nothing. */
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CallBenchmark extends KernelBenchmark {
  /** A call that returns a field of a struct. */
  @Benchmark
  public int call() {
    return device.threads();
  }
}
