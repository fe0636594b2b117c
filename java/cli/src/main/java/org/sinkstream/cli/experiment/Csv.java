package org.sinkstream.cli.experiment;

import java.util.List;
import java.util.stream.Collectors;

/** Comma-separated values (RFC 4180). */
public final class Csv {
  private Csv() {}

  /** A line of a file, with a line feed. */
  static String line(Object... fields) {
    return record(fields) + "\n";
  }

  /** A line without its end. Numbers are written so that they read back as they were. */
  public static String record(Object... fields) {
    return List.of(fields).stream()
        .map(String::valueOf)
        .map(Csv::quoted)
        .collect(Collectors.joining(","));
  }

  private static String quoted(String field) {
    return field.matches("[^\",\r\n]*") ? field : '"' + field.replace("\"", "\"\"") + '"';
  }
}
