package org.sinkstream.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import org.sinkstream.files.AtomicFile;

/** A file of float32, little-endian, that is there as a whole or not at all. */
final class FloatFile implements AutoCloseable {
  private final AtomicFile file;
  private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);

  /** Starts it; the target stays as it is until {@link #commit}. */
  FloatFile(Path target) throws IOException {
    file = AtomicFile.create(target);
  }

  /**
   * Writes one value.
   *
   * @throws UncheckedIOException if that fails
   */
  void write(float value) {
    if (buffer.remaining() < Float.BYTES) {
      flush();
    }
    buffer.putFloat(value);
  }

  /**
   * Writes what remains of {@code values}.
   *
   * @throws UncheckedIOException if that fails
   */
  void write(FloatBuffer values) {
    while (values.hasRemaining()) {
      write(values.get());
    }
  }

  /** Puts the whole file in the target's place. */
  void commit() throws IOException {
    flush();
    file.commit();
  }

  private void flush() {
    try {
      file.out().write(buffer.array(), 0, buffer.position());
      buffer.clear();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
