package org.sinkstream.checkpoint;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.util.stream.Collectors.joining;

import java.lang.foreign.MemorySegment;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sinkstream.error.CheckpointException;

/**
 * The key-value pairs of a GGUF file. Values stay in the mapped file and are read when asked for,
 * so that a list of many thousand tokens costs nothing until somebody wants it. Immutable and
 * thread-safe; usable until the arena of the file closes.
 *
 * <p>Every reading method throws {@link CheckpointException} with the file, the key, its value and
 * what was expected.
 */
public final class GgufMetadata {
  private final Path file;
  private final MemorySegment bytes;
  private final Map<String, Value> values;

  /**
   * Where a value lies.
   *
   * @param type of the value; of the elements, where it is an array
   * @param array whether it is an array
   * @param count elements; 1 where it is no array
   * @param offset of the first element in the file
   */
  record Value(GgufValueType type, boolean array, long count, long offset) {}

  /** Takes values whose place in the file is proven. */
  GgufMetadata(Path file, MemorySegment bytes, Map<String, Value> values) {
    this.file = file;
    this.bytes = bytes;
    this.values = Collections.unmodifiableMap(values);
  }

  /** All keys, in the order of the file. */
  public Set<String> keys() {
    return values.keySet();
  }

  /** Whether the key is there. */
  public boolean has(String key) {
    return values.containsKey(key);
  }

  /** A string. */
  public String string(String key) {
    return text(key, scalar(key, "a string", GgufValueType.STRING).offset);
  }

  /** A string, or {@code fallback} where the key is left out. */
  public String string(String key, String fallback) {
    return has(key) ? string(key) : fallback;
  }

  /** True or false. */
  public boolean bool(String key) {
    return bytes.get(JAVA_BYTE, scalar(key, "true or false", GgufValueType.BOOL).offset) != 0;
  }

  /** True or false, or {@code fallback} where the key is left out. */
  public boolean bool(String key, boolean fallback) {
    return has(key) ? bool(key) : fallback;
  }

  /** A whole number, stored in any integer type. */
  public long integer(String key) {
    Value value =
        scalar(
            key,
            "a whole number below 2^63",
            GgufValueType.UINT8,
            GgufValueType.INT8,
            GgufValueType.UINT16,
            GgufValueType.INT16,
            GgufValueType.UINT32,
            GgufValueType.INT32,
            GgufValueType.UINT64,
            GgufValueType.INT64);
    long number = integer(value, 0);
    if (value.type == GgufValueType.UINT64 && number < 0) {
      throw refuse(key, "a whole number below 2^63");
    }
    return number;
  }

  /**
   * A number, stored as floating-point; may be infinite or NaN. One of 32 bits is the shortest
   * decimal that rounds to it: 1e-5, and not 9.99999974e-6.
   */
  public double number(String key) {
    Value value = scalar(key, "a number", GgufValueType.FLOAT32, GgufValueType.FLOAT64);
    return number(value);
  }

  /** How many elements the array has. */
  public long count(String key) {
    return array(key, "an array").count;
  }

  /** Refuses what is not an array of {@code count} elements of one of the types. */
  void requireArray(String key, long count, GgufValueType... types) {
    String expected =
        "an array of %d %s"
            .formatted(count, Arrays.stream(types).map(Enum::name).collect(joining(" or ")));
    if (array(key, expected, types).count != count) {
      throw refuse(key, expected);
    }
  }

  /** An array of strings; decoded anew at each call. */
  public List<String> strings(String key) {
    Value value = array(key, "an array of strings", GgufValueType.STRING);
    List<String> strings = new ArrayList<>(length(key, value));
    long offset = value.offset;
    for (long i = 0; i < value.count; i++) {
      strings.add(text(key, offset));
      offset += Long.BYTES + bytes.get(GgufCursor.LONG, offset);
    }
    return strings;
  }

  /** An array of 32-bit floating-point numbers. */
  public float[] floats(String key) {
    Value value = array(key, "an array of FLOAT32", GgufValueType.FLOAT32);
    return slice(key, value).toArray(GgufCursor.FLOAT);
  }

  /** An array of whole numbers of 32 bits. */
  public int[] ints(String key) {
    String expected = "an array of INT32 or UINT32";
    Value value = array(key, expected, GgufValueType.INT32, GgufValueType.UINT32);
    int[] numbers = slice(key, value).toArray(GgufCursor.INT);
    if (value.type == GgufValueType.UINT32) {
      for (int number : numbers) {
        if (number < 0) {
          throw refuse(key, "numbers below 2^31");
        }
      }
    }
    return numbers;
  }

  private MemorySegment slice(String key, Value value) {
    return bytes.asSlice(value.offset, (long) length(key, value) * value.type.leastBytes());
  }

  private int length(String key, Value value) {
    if (value.count > Integer.MAX_VALUE - Long.BYTES) {
      throw refuse(key, "fewer elements");
    }
    return (int) value.count;
  }

  private Value scalar(String key, String expected, GgufValueType... types) {
    Value value = find(key, expected);
    if (value.array || !List.of(types).contains(value.type)) {
      throw refuse(key, expected);
    }
    return value;
  }

  private Value array(String key, String expected, GgufValueType... types) {
    Value value = find(key, expected);
    if (!value.array || (types.length > 0 && !List.of(types).contains(value.type))) {
      throw refuse(key, expected);
    }
    return value;
  }

  private Value find(String key, String expected) {
    Value value = values.get(key);
    if (value == null) {
      throw refuse(key, expected);
    }
    return value;
  }

  private long integer(Value value, long index) {
    long offset = value.offset + index * value.type.leastBytes();
    return switch (value.type) {
      case UINT8, BOOL -> Byte.toUnsignedLong(bytes.get(JAVA_BYTE, offset));
      case INT8 -> bytes.get(JAVA_BYTE, offset);
      case UINT16 -> Short.toUnsignedLong(bytes.get(GgufCursor.SHORT, offset));
      case INT16 -> bytes.get(GgufCursor.SHORT, offset);
      case UINT32 -> Integer.toUnsignedLong(bytes.get(GgufCursor.INT, offset));
      case INT32 -> bytes.get(GgufCursor.INT, offset);
      default -> bytes.get(GgufCursor.LONG, offset);
    };
  }

  private double number(Value value) {
    return value.type == GgufValueType.FLOAT32
        ? Double.parseDouble(Float.toString(bytes.get(GgufCursor.FLOAT, value.offset)))
        : bytes.get(GgufCursor.DOUBLE, value.offset);
  }

  private String text(String key, long offset) {
    long length = bytes.get(GgufCursor.LONG, offset);
    long start = offset + Long.BYTES;
    try {
      return GgufCursor.decode(bytes.asSlice(start, length));
    } catch (CharacterCodingException e) {
      throw new CheckpointException(
          "%s: %s has a string at byte %d that is not valid UTF-8".formatted(file, key, start), e);
    }
  }

  /**
   * The exception for a key's value.
   *
   * @param expected what the value should have been
   */
  public CheckpointException refuse(String key, String expected) {
    return new CheckpointException(
        "%s: %s is %s; expected %s".formatted(file, key, shown(values.get(key)), expected));
  }

  private String shown(@Nullable Value value) {
    if (value == null) {
      return "missing";
    }
    if (value.array) {
      return "an array of %d %s".formatted(value.count, value.type);
    }
    String text =
        switch (value.type) {
          case STRING -> "";
          case BOOL -> integer(value, 0) == 0 ? "false" : "true";
          case FLOAT32, FLOAT64 -> Double.toString(number(value));
          case UINT64 -> Long.toUnsignedString(integer(value, 0));
          default -> Long.toString(integer(value, 0));
        };
    return value.type == GgufValueType.STRING
        ? StrictJson.shown(preview(value))
        : "%s (%s)".formatted(text, value.type);
  }

  /** Enough of a string for a message, whatever its bytes. */
  private String preview(Value value) {
    long length = Math.min(bytes.get(GgufCursor.LONG, value.offset), StrictJson.MAX_NAME_LENGTH);
    MemorySegment start = bytes.asSlice(value.offset + Long.BYTES, length);
    return new String(start.toArray(JAVA_BYTE), StandardCharsets.UTF_8);
  }
}
