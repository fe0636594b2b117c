package org.sinkstream.text;

/**
 * Decodes UTF-8 that arrives in pieces of any size; holds back at most the three bytes of a
 * character that is not complete. Confined to one thread.
 *
 * <p>What is well formed is Unicode's table 3-7. Ill-formed bytes become U+FFFD: one for each
 * maximal subpart of a character (Unicode 3.9, what most decoders do) or one for each byte.
 */
final class Utf8Decoder {
  private static final char REPLACEMENT = '\uFFFD';

  private final boolean replaceEachByte;
  private int codePoint;
  private int held;
  private int missing;
  private int lowest;
  private int highest;

  Utf8Decoder(boolean replaceEachByte) {
    this.replaceEachByte = replaceEachByte;
  }

  /** Takes bytes, and appends to {@code out} the characters that they complete. */
  void accept(byte[] bytes, StringBuilder out) {
    for (byte b : bytes) {
      accept(b & 0xFF, out);
    }
  }

  /** Ends the text: a character that is not complete becomes U+FFFD. */
  void flush(StringBuilder out) {
    if (held > 0) {
      out.repeat(REPLACEMENT, replaceEachByte ? held : 1);
      held = 0;
    }
  }

  private void accept(int b, StringBuilder out) {
    if (held > 0 && lowest <= b && b <= highest) {
      goOn(b, out);
      return;
    }
    flush(out);
    if (b < 0x80) {
      out.append((char) b);
    } else if (b < 0xC2 || b > 0xF4) {
      out.append(REPLACEMENT);
    } else if (b < 0xE0) {
      begin(b & 0x1F, 1, 0x80, 0xBF);
    } else if (b < 0xF0) {
      // The bounds shut out overlong forms and surrogates.
      begin(b & 0x0F, 2, b == 0xE0 ? 0xA0 : 0x80, b == 0xED ? 0x9F : 0xBF);
    } else {
      // The bounds shut out overlong forms and what lies beyond U+10FFFF.
      begin(b & 0x07, 3, b == 0xF0 ? 0x90 : 0x80, b == 0xF4 ? 0x8F : 0xBF);
    }
  }

  private void begin(int bits, int missing, int lowest, int highest) {
    codePoint = bits;
    held = 1;
    this.missing = missing;
    this.lowest = lowest;
    this.highest = highest;
  }

  private void goOn(int b, StringBuilder out) {
    codePoint = (codePoint << 6) | (b & 0x3F);
    held++;
    lowest = 0x80;
    highest = 0xBF;
    if (--missing == 0) {
      out.appendCodePoint(codePoint);
      held = 0;
    }
  }
}
