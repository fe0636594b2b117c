package org.sinkstream.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The alphabet of byte-level BPE: each of the 256 bytes is written as one printable character.
 * Printable Latin-1 stands for itself, the rest follows from U+0100 on, in order (GPT-2's {@code
 * bytes_to_unicode}; {@code ByteLevel} in a tokenizer.json).
 */
final class ByteLevel {
  private static final int FIRST_STAND_IN = 0x100;
  private static final short[] BYTE_OF = byteOfCharacter();

  private ByteLevel() {}

  /**
   * The bytes that a token stands for. A token with a character outside the alphabet (an added
   * token, written as plain text) stands for its own UTF-8.
   */
  static byte[] bytesOf(String token) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = token.charAt(i);
      if (c >= BYTE_OF.length || BYTE_OF[c] < 0) {
        return token.getBytes(StandardCharsets.UTF_8);
      }
      bytes[i] = (byte) BYTE_OF[c];
    }
    return bytes;
  }

  private static short[] byteOfCharacter() {
    short[] byteOf = new short[FIRST_STAND_IN + 256];
    Arrays.fill(byteOf, (short) -1);
    int standIn = FIRST_STAND_IN;
    for (short b = 0; b < 256; b++) {
      byteOf[isPrintable(b) ? b : standIn++] = b;
    }
    return Arrays.copyOf(byteOf, standIn);
  }

  private static boolean isPrintable(int b) {
    return ('!' <= b && b <= '~') || (0xA1 <= b && b <= 0xAC) || 0xAE <= b;
  }
}
