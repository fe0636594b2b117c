package org.sinkstream.cli.experiment;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.function.Predicate;

/**
 * A file of comma-separated numbers and words that grows line by line. Every line is written at
 * once; half a line, which a process that was ended left behind, is cut off.
 */
final class CsvLog implements AutoCloseable {
  private final Path file;
  private final FileChannel channel;

  /**
   * Opens a log, or starts it with its header.
   *
   * @param keep which of the lines that are there stay
   */
  CsvLog(Path file, String header, Predicate<String[]> keep) throws IOException {
    this.file = file;
    StringBuilder kept = new StringBuilder(header);
    for (String[] row : rows(file)) {
      if (keep.test(row)) {
        kept.append(Csv.line((Object[]) row));
      }
    }
    RunDirectory.write(file, kept.toString().getBytes(UTF_8));
    channel = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
  }

  /** The whole lines below the header; none where there is no file. */
  static List<String[]> rows(Path file) throws IOException {
    if (!Files.exists(file)) {
      return List.of();
    }
    String text = Files.readString(file);
    return text.substring(0, text.lastIndexOf('\n') + 1)
        .lines()
        .skip(1)
        .map(line -> line.split(",", -1))
        .toList();
  }

  /** The lines there are. */
  List<String[]> rows() throws IOException {
    return rows(file);
  }

  /** Adds a line. */
  void append(Object... fields) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Csv.line(fields).getBytes(UTF_8));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
