package org.sinkstream.cli.measure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Resident memory of this process, where the system tells: Linux, proc(5). */
public final class ProcessMemory {
  private static final Path STATUS = Path.of("/proc/self/status");

  private ProcessMemory() {}

  /** Bytes resident now. */
  public static OptionalLong resident() {
    return bytes("VmRSS");
  }

  /** Most bytes that were ever resident. */
  public static OptionalLong peak() {
    return bytes("VmHWM");
  }

  private static OptionalLong bytes(String field) {
    Pattern line = Pattern.compile(field + ":\\s*(\\d+) kB");
    try {
      List<String> lines = Files.readAllLines(STATUS);
      return lines.stream()
          .map(line::matcher)
          .filter(Matcher::matches)
          .mapToLong(found -> Long.parseLong(found.group(1)) * 1024)
          .findFirst();
    } catch (IOException notLinux) {
      return OptionalLong.empty();
    }
  }
}
