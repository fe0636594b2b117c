package org.sinkstream.files;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Path;

/** A file's stream whose failures say which file: a full disk alone does not. */
final class NamedOutput extends OutputStream {
  private final Path name;
  private final OutputStream out;

  /** Takes a stream that closes with this one. */
  NamedOutput(Path name, OutputStream out) {
    this.name = name;
    this.out = out;
  }

  @Override
  public void write(int value) throws IOException {
    write(new byte[] {(byte) value}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int count) throws IOException {
    try {
      out.write(bytes, offset, count);
    } catch (IOException failure) {
      FileSystemException named =
          new FileSystemException(name.toString(), null, failure.getMessage());
      named.initCause(failure);
      throw named;
    }
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
