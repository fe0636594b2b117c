package org.sinkstream.checkpoint;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.sinkstream.error.CheckpointException;

/**
 * Reads a mapped GGUF file front to back, little-endian, and proves before every step that the file
 * is long enough. Not thread-safe.
 */
final class GgufCursor {
  static final ValueLayout.OfShort SHORT = little(ValueLayout.JAVA_SHORT_UNALIGNED);
  static final ValueLayout.OfInt INT = little(ValueLayout.JAVA_INT_UNALIGNED);
  static final ValueLayout.OfLong LONG = little(ValueLayout.JAVA_LONG_UNALIGNED);
  static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path file;
  private final MemorySegment bytes;
  private long position;

  GgufCursor(Path file, MemorySegment bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  private static ValueLayout.OfShort little(ValueLayout.OfShort layout) {
    return layout.withOrder(ByteOrder.LITTLE_ENDIAN);
  }

  private static ValueLayout.OfInt little(ValueLayout.OfInt layout) {
    return layout.withOrder(ByteOrder.LITTLE_ENDIAN);
  }

  private static ValueLayout.OfLong little(ValueLayout.OfLong layout) {
    return layout.withOrder(ByteOrder.LITTLE_ENDIAN);
  }

  /** Offset of the next byte. */
  long position() {
    return position;
  }

  /** Bytes from here to the end of the file. */
  long remaining() {
    return bytes.byteSize() - position;
  }

  /**
   * Steps over bytes.
   *
   * @param what they are, for the message where the file is too short
   * @return the offset of the first
   */
  long skip(long count, String what) {
    if (Long.compareUnsigned(count, remaining()) > 0) {
      throw refuse(
          position,
          "%s takes %s bytes, but only %d follow"
              .formatted(what, Long.toUnsignedString(count), remaining()));
    }
    long start = position;
    position += count;
    return start;
  }

  /** 32 bits. */
  int int32(String what) {
    return bytes.get(INT, skip(Integer.BYTES, what));
  }

  /** 64 bits. */
  long int64(String what) {
    return bytes.get(LONG, skip(Long.BYTES, what));
  }

  /** One byte. */
  byte int8(String what) {
    return bytes.get(JAVA_BYTE, skip(Byte.BYTES, what));
  }

  /** Steps over a string: its length in 64 bits, then as many bytes. */
  void skipString(String what) {
    skip(int64("the length of " + what), what);
  }

  /** A string of {@code least} to {@code most} bytes, in valid UTF-8. */
  String string(int least, int most, String what) {
    long start = position;
    long length = int64("the length of " + what);
    if (length < least || length > most) {
      throw refuse(
          start,
          "%s is of %s bytes; expected %d to %d"
              .formatted(what, Long.toUnsignedString(length), least, most));
    }
    return text(skip(length, what), length, what);
  }

  private String text(long start, long length, String what) {
    try {
      return decode(bytes.asSlice(start, length));
    } catch (CharacterCodingException e) {
      throw new CheckpointException(at(start, what + " is not valid UTF-8"), e);
    }
  }

  /** The text of bytes that must be valid UTF-8. */
  static String decode(MemorySegment utf8) throws CharacterCodingException {
    return StandardCharsets.UTF_8.newDecoder().decode(utf8.asByteBuffer()).toString();
  }

  /** The exception for what is at a byte of the file. */
  CheckpointException refuse(long offset, String what) {
    return new CheckpointException(at(offset, what));
  }

  private String at(long offset, String what) {
    return "%s: byte %d: %s".formatted(file, offset, what);
  }
}
