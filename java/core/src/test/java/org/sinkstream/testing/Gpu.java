package org.sinkstream.testing;

import org.junit.jupiter.api.Assumptions;
import org.sinkstream.GpuInfo;

/** The GPU that some tests need. */
public final class Gpu {
  private Gpu() {}

  /** Skips the test, saying why, where there is none. */
  public static void require() {
    GpuInfo gpu = GpuInfo.find();
    Assumptions.assumeTrue(gpu.isPresent(), () -> "skipped: no GPU: " + gpu.absence().orElse(""));
  }
}
