package org.sinkstream.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads what the user names, and refuses what is not what it should be. */
final class InputFiles {
  private InputFiles() {}

  /** A text file in UTF-8. */
  static String text(Path file) throws IOException {
    return text(file.toString(), bytes(file));
  }

  /**
   * A text in UTF-8.
   *
   * @param name where it comes from, for the message
   * @throws IllegalArgumentException if it is none
   */
  static String text(String name, byte[] bytes) {
    // Not more characters than bytes, so the result never overflows.
    CharBuffer text = CharBuffer.allocate(bytes.length);
    ByteBuffer input = ByteBuffer.wrap(bytes);
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    CoderResult result = decoder.decode(input, text, true);
    if (result.isError()) {
      throw new IllegalArgumentException(
          "%s: not UTF-8 text: byte 0x%02x at offset %d"
              .formatted(name, bytes[input.position()], input.position()));
    }
    return text.flip().toString();
  }

  /** A file of token ids, little-endian int32; at least one, all within the vocabulary. */
  static int[] ids(Path file, int vocabulary) throws IOException {
    byte[] bytes = bytes(file);
    if (bytes.length == 0 || bytes.length % Integer.BYTES != 0) {
      throw new IllegalArgumentException(
          "%s: %d bytes; expected token ids of 4 bytes each, at least one"
              .formatted(file, bytes.length));
    }
    int[] ids = new int[bytes.length / Integer.BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(ids);
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= vocabulary) {
        throw new IllegalArgumentException(
            "%s: token %d (byte offset %d) has id %d; expected 0 to %d"
                .formatted(file, i, (long) i * Integer.BYTES, ids[i], vocabulary - 1));
      }
    }
    return ids;
  }

  private static byte[] bytes(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new IllegalArgumentException(file + ": a directory; expected a file");
    }
    if (Files.size(file) > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "%s: %d bytes; expected at most %d".formatted(file, Files.size(file), Integer.MAX_VALUE));
    }
    return Files.readAllBytes(file);
  }
}
