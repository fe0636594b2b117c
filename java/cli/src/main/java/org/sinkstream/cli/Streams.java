package org.sinkstream.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;

/**
 * Where a command reads and writes. Text is UTF-8 whatever the locale, so that scripts get the same
 * bytes everywhere.
 *
 * @param in what {@code generate} and {@code chat} read
 * @param out results; flushed by whoever wants them seen
 * @param err timings, progress, warnings and errors
 */
record Streams(InputStream in, PrintStream out, PrintStream err) {
  /** Those of the process, with {@code out} for results. */
  static Streams ofProcess(OutputStream out) {
    return new Streams(
        System.in,
        new PrintStream(new BufferedOutputStream(out), false, UTF_8),
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, UTF_8));
  }

  /**
   * Writes a text to {@link #out} at once.
   *
   * @return whether somebody still reads it: a {@code PrintStream} keeps a broken pipe to itself
   */
  boolean show(String text) {
    out.print(text);
    return !out.checkError();
  }
}
