package org.sinkstream.cli;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/** Lines of UTF-8, each refused for itself where it is none; a {@code Reader} decodes ahead. */
final class LineReader {
  private final String name;
  private final InputStream in;
  private long count;

  /**
   * Reads from a stream.
   *
   * @param name what the stream is called in messages
   */
  LineReader(String name, InputStream in) {
    this.name = name;
    this.in = new BufferedInputStream(in);
  }

  /**
   * The next line without its end, or null where there is none.
   *
   * @throws IllegalArgumentException if it is not UTF-8
   */
  @Nullable String next() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    int next = in.read();
    if (next < 0) {
      return null;
    }
    while (next >= 0 && next != '\n') {
      line.write(next);
      next = in.read();
    }
    count++;
    return InputFiles.text(name + ", line " + count, line.toByteArray());
  }
}
