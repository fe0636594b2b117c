package org.sinkstream.cli.experiment;

import java.util.List;
import java.util.stream.Collectors;

/** Comma-separated values (RFC 4180, with line feeds). */
final class Csv {
  private Csv() {}

  /** A line with its end. Numbers are written so that they read back as they were. */
  static String line(Object... fields) {
    return List.of(fields).stream()
            .map(String::valueOf)
            .map(Csv::quoted)
            .collect(Collectors.joining(","))
        + "\n";
  }

  private static String quoted(String field) {
    return field.matches("[^\",\r\n]*") ? field : '"' + field.replace("\"", "\"\"") + '"';
  }
}
