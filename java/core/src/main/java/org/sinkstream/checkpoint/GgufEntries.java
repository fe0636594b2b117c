package org.sinkstream.checkpoint;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Key-value pairs for a GGUF file, in the order in which they are put, each key once. Not
 * thread-safe.
 */
public final class GgufEntries {
  private final Set<String> keys = new HashSet<>();
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /** A string. */
  public void string(String key, String value) {
    begin(key, GgufValueType.STRING);
    text(value);
  }

  /** A whole number from 0 to 2^32 - 1. */
  public void uint32(String key, long value) {
    if (value < 0 || value > 0xffff_ffffL) {
      throw new IllegalArgumentException(
          "%s: %d; expected a number of 32 bits".formatted(key, value));
    }
    begin(key, GgufValueType.UINT32);
    number((int) value);
  }

  /** A number, rounded to 32 bits. */
  public void float32(String key, double value) {
    begin(key, GgufValueType.FLOAT32);
    number(Float.floatToRawIntBits((float) value));
  }

  /** True or false. */
  public void bool(String key, boolean value) {
    begin(key, GgufValueType.BOOL);
    bytes.write(value ? 1 : 0);
  }

  /** An array of strings. */
  public void strings(String key, List<String> values) {
    beginArray(key, GgufValueType.STRING, values.size());
    values.forEach(this::text);
  }

  /** An array of whole numbers of 32 bits. */
  public void int32s(String key, int... values) {
    beginArray(key, GgufValueType.INT32, values.length);
    for (int value : values) {
      number(value);
    }
  }

  /** An array of floating-point numbers of 32 bits. */
  public void float32s(String key, float... values) {
    beginArray(key, GgufValueType.FLOAT32, values.length);
    for (float value : values) {
      number(Float.floatToRawIntBits(value));
    }
  }

  /**
   * Entries whose types their values have: a {@code String} is a string, a {@code Boolean} true or
   * false, an {@code Integer} a uint32, a {@code List} of strings, an {@code int[]} and a {@code
   * float[]} arrays of 32 bits.
   */
  public void putAll(Map<String, Object> values) {
    values.forEach((key, value) -> {
      switch (value) {
        case String text -> string(key, text);
        case Boolean flag -> bool(key, flag);
        case Integer number -> uint32(key, number);
        case List<?> list -> strings(key, list.stream().map(String.class::cast).toList());
        case int[] numbers -> int32s(key, numbers);
        case float[] numbers -> float32s(key, numbers);
        default -> throw new IllegalArgumentException(key + ": " + value.getClass());
      }
    });
  }

  /** How many there are. */
  int count() {
    return keys.size();
  }

  /** All of them as the file has them. */
  byte[] toBytes() {
    return bytes.toByteArray();
  }

  private void begin(String key, GgufValueType type) {
    if (!keys.add(key)) {
      throw new IllegalArgumentException("key %s is there twice".formatted(key));
    }
    text(key);
    number(type.number());
  }

  private void beginArray(String key, GgufValueType elements, long count) {
    begin(key, GgufValueType.ARRAY);
    number(elements.number());
    number(count);
  }

  private void text(String value) {
    byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
    number((long) utf8.length);
    bytes.writeBytes(utf8);
  }

  private void number(int value) {
    bytes.writeBytes(little(Integer.BYTES).putInt(value).array());
  }

  private void number(long value) {
    bytes.writeBytes(little(Long.BYTES).putLong(value).array());
  }

  private static ByteBuffer little(int count) {
    return ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
  }
}
