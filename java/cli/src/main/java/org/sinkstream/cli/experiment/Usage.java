package org.sinkstream.cli.experiment;

import java.time.Duration;
import org.sinkstream.NativeInfo;
import org.sinkstream.cli.measure.ProcessMemory;

/**
 * What a stream had taken when it had come so far.
 *
 * @param tokens how far
 * @param predicted tokens of them that were predicted
 * @param seconds time spent on them, on a clock
 * @param cpuSeconds processor time of the process since the stream began, all threads
 * @param cacheBytes bytes of its cache
 * @param nativeBytes bytes the native library held, for the model and the stream
 * @param residentBytes resident memory of the process, 0 where the system does not tell
 */
record Usage(
    long tokens,
    long predicted,
    double seconds,
    double cpuSeconds,
    long cacheBytes,
    long nativeBytes,
    long residentBytes) {
  static final Usage NONE = new Usage(0, 0, 0, 0, 0, 0, 0);
  static final String HEADER =
      "tokens,predicted,seconds,cpu_seconds,cache_bytes,native_bytes,resident_bytes";

  static Usage now(
      long tokens, long predicted, double seconds, double cpuSeconds, long cacheBytes) {
    return new Usage(
        tokens,
        predicted,
        seconds,
        cpuSeconds,
        cacheBytes,
        NativeInfo.allocatedBytes(),
        ProcessMemory.resident().orElse(0));
  }

  /** Processor time of this process so far, all threads; 0 where the system does not tell. */
  static double cpuNow() {
    return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO).toNanos() / 1e9;
  }

  static Usage parse(String[] row) {
    return new Usage(
        Long.parseLong(row[0]),
        Long.parseLong(row[1]),
        Double.parseDouble(row[2]),
        Double.parseDouble(row[3]),
        Long.parseLong(row[4]),
        Long.parseLong(row[5]),
        Long.parseLong(row[6]));
  }

  Object[] row() {
    return new Object[] {
      tokens, predicted, seconds, cpuSeconds, cacheBytes, nativeBytes, residentBytes
    };
  }
}
