package org.sinkstream.synthetic;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sinkstream.error.DeviceMemoryException;

/** How much memory could be had now without swapping, where the system tells: Linux, proc(5). */
public final class AvailableMemory {
  private static final Path MEMORY = Path.of("/proc/meminfo");
  private static final Pattern AVAILABLE = Pattern.compile("MemAvailable:\\s*(\\d+) kB");

  private AvailableMemory() {}

  /**
   * Refuses what would not fit, before any of it is allocated.
   *
   * @param model whose weights they are
   * @param bytes of weights
   * @param copies bytes of packed copies of them
   * @throws DeviceMemoryException with what is needed and what there is
   */
  static void require(String model, long bytes, long copies) {
    OptionalLong available = now();
    if (available.isPresent() && available.getAsLong() < Math.addExact(bytes, copies)) {
      throw new DeviceMemoryException(
          "%s: its weights take %d bytes and packed copies of them %d; %d are available"
              .formatted(model, bytes, copies, available.getAsLong()));
    }
  }

  /** Bytes; empty where the system does not tell. */
  public static OptionalLong now() {
    try {
      return Files.readAllLines(MEMORY).stream()
          .map(AVAILABLE::matcher)
          .filter(Matcher::matches)
          .mapToLong(found -> Long.parseLong(found.group(1)) * 1024)
          .findFirst();
    } catch (IOException notLinux) {
      return OptionalLong.empty();
    }
  }
}
