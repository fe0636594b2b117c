package org.sinkstream.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Safetensors files, good and bad, byte by byte. */
final class SafetensorsFixture {
  private SafetensorsFixture() {}

  /** A file of a header and its data. */
  static byte[] bytes(String header, byte... data) {
    return bytes(header.getBytes(StandardCharsets.UTF_8), data);
  }

  /** A file of a header's bytes and its data. */
  static byte[] bytes(byte[] header, byte... data) {
    return withLength(header.length, header, data);
  }

  /** A file that claims a header of {@code length} bytes. */
  static byte[] withLength(long length, byte[] header, byte... data) {
    return ByteBuffer.allocate(Long.BYTES + header.length + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(length)
        .put(header)
        .put(data)
        .array();
  }

  /** The header's entry of one tensor. */
  static String entry(String name, String dtype, String shape, long begin, long end) {
    return "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
        .formatted(name, dtype, shape, begin, end);
  }

  /** One float32 vector for each name, counting 0, 1, 2 ... through all of them. */
  static byte[] vectors(int size, String... names) {
    StringBuilder header = new StringBuilder("{");
    ByteBuffer data =
        ByteBuffer.allocate(names.length * size * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (String name : names) {
      int begin = data.position();
      for (int i = 0; i < size; i++) {
        int element = data.position() / Float.BYTES;
        data.putFloat(element);
      }
      header
          .append(begin == 0 ? "" : ",")
          .append(entry(name, "F32", "[" + size + "]", begin, data.position()));
    }
    return bytes(header.append('}').toString(), data.array());
  }

  /** Writes a file into a folder. */
  static Path write(Path folder, String name, byte[] bytes) {
    try {
      return Files.write(folder.resolve(name), bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
