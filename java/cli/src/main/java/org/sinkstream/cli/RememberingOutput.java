package org.sinkstream.cli;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

/** Remembers why a write failed, which a {@code PrintStream} above it does not. */
final class RememberingOutput extends FilterOutputStream {
  private static final String BROKEN_PIPE = "Broken pipe"; // strerror(EPIPE)

  private @Nullable IOException failure;

  RememberingOutput(OutputStream out) {
    super(out);
  }

  /**
   * Throws what a write failed of, such as a full disk. That the reader has left is no failure:
   * {@code head} has what it wants.
   */
  void check() throws IOException {
    if (failure != null && !BROKEN_PIPE.equals(failure.getMessage())) {
      throw new IOException("standard output: " + failure.getMessage(), failure);
    }
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    try {
      out.write(bytes, offset, length);
    } catch (IOException e) {
      failure = e;
      throw e;
    }
  }

  @Override
  public void write(int value) throws IOException {
    write(new byte[] {(byte) value}, 0, 1);
  }
}
