package org.sinkstream.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sinkstream.error.CheckpointException;

/**
 * One safetensors file, memory-mapped: 8 bytes of header length N (little-endian), N bytes of JSON,
 * data. Everything the header claims is proven against the file's length before any of it is
 * allocated or mapped. Immutable and thread-safe.
 */
final class SafetensorsFile {
  /** Bytes of a header, as in the reference implementation. */
  static final int MAX_HEADER_BYTES = 100_000_000;

  private static final int LENGTH_BYTES = Long.BYTES;

  private final Map<String, StoredTensor> tensors;

  private SafetensorsFile(Map<String, StoredTensor> tensors) {
    this.tensors = Collections.unmodifiableMap(tensors);
  }

  /**
   * Maps a file.
   *
   * @param arena how long it stays mapped
   * @throws CheckpointException if it cannot be read or is not as the format demands
   */
  static SafetensorsFile open(Path file, Arena arena) {
    if (!Files.isRegularFile(file)) {
      throw refuse(file, Files.exists(file) ? "not a regular file" : "no such file");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long fileBytes = channel.size();
      byte[] header = readHeader(file, channel, fileBytes);
      long dataStart = (long) LENGTH_BYTES + header.length;
      long dataBytes = fileBytes - dataStart;
      List<SafetensorsHeader.Entry> entries = SafetensorsHeader.read(file, header, dataBytes);
      MemorySegment data = channel.map(MapMode.READ_ONLY, dataStart, dataBytes, arena);
      Map<String, StoredTensor> tensors = new LinkedHashMap<>();
      for (SafetensorsHeader.Entry entry : entries) {
        MemorySegment bytes = data.asSlice(entry.begin(), entry.end() - entry.begin());
        tensors.put(
            entry.name(),
            new StoredTensor(
                entry.name(),
                entry.type().name(),
                entry.type().elementType(),
                entry.shape(),
                bytes));
      }
      return new SafetensorsFile(tensors);
    } catch (IOException e) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  private static byte[] readHeader(Path file, FileChannel channel, long fileBytes)
      throws IOException {
    if (fileBytes < LENGTH_BYTES) {
      throw refuse(
          file,
          "%d bytes; expected at least the %d of a header's length"
              .formatted(fileBytes, LENGTH_BYTES));
    }
    long length = read(file, channel, LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (Long.compareUnsigned(length, MAX_HEADER_BYTES) > 0) {
      throw refuse(
          file,
          "a header of %s bytes; expected at most %d"
              .formatted(Long.toUnsignedString(length), MAX_HEADER_BYTES));
    }
    if (length > fileBytes - LENGTH_BYTES) {
      throw refuse(
          file,
          "a header of %d bytes, but only %d follow".formatted(length, fileBytes - LENGTH_BYTES));
    }
    return read(file, channel, (int) length).array();
  }

  private static ByteBuffer read(Path file, FileChannel channel, int count) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(count);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes) < 0) {
        throw refuse(file, "became shorter while it was read");
      }
    }
    return bytes.flip();
  }

  private static CheckpointException refuse(Path file, String what) {
    return new CheckpointException(file + ": " + what);
  }

  /** Its tensors by name, in the order of their data. */
  Map<String, StoredTensor> tensors() {
    return tensors;
  }
}
