package org.sinkstream.testing;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A GGUF file, piece by piece. What was added under a name takes the place of what was there. */
public final class GgufBuilder {
  private static final int UINT32 = 4;
  private static final int INT32 = 5;
  private static final int FLOAT32 = 6;
  private static final int BOOL = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;

  private final Map<String, byte[]> values = new LinkedHashMap<>();
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private int alignment = 32;

  /**
   * A tensor.
   *
   * @param type its number in the file
   * @param data its bytes
   * @param dimensions as in the file, innermost first
   */
  public record Tensor(int type, byte[] data, long... dimensions) {}

  /** Little-endian bytes, one after another. */
  public static final class Bytes {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /** Adds 32 bits. */
    public Bytes int32(int value) {
      return bytes(ByteBuffer.allocate(4).putInt(Integer.reverseBytes(value)).array());
    }

    /** Adds 64 bits. */
    public Bytes int64(long value) {
      return bytes(ByteBuffer.allocate(8).putLong(Long.reverseBytes(value)).array());
    }

    /** Adds a string: its length and its UTF-8. */
    public Bytes string(String text) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      return int64(utf8.length).bytes(utf8);
    }

    /** Adds bytes as they are. */
    public Bytes bytes(byte... bytes) {
      out.writeBytes(bytes);
      return this;
    }

    /** Adds zeros up to a multiple of the alignment. */
    public Bytes pad(int alignment) {
      return bytes(new byte[Math.floorMod(-out.size(), alignment)]);
    }

    /** All of them. */
    public byte[] toArray() {
      return out.toByteArray();
    }
  }

  /** Adds a value of any type. */
  public GgufBuilder value(String key, int type, byte... value) {
    values.put(key, new Bytes().int32(type).bytes(value).toArray());
    return this;
  }

  /** Adds a string. */
  public GgufBuilder string(String key, String value) {
    return value(key, STRING, new Bytes().string(value).toArray());
  }

  /** Adds a UINT32. */
  public GgufBuilder uint32(String key, int value) {
    return value(key, UINT32, new Bytes().int32(value).toArray());
  }

  /** Adds a FLOAT32. */
  public GgufBuilder float32(String key, double value) {
    return value(key, FLOAT32, new Bytes().int32(Float.floatToIntBits((float) value)).toArray());
  }

  /** Adds a BOOL. */
  public GgufBuilder bool(String key, boolean value) {
    return value(key, BOOL, (byte) (value ? 1 : 0));
  }

  /** Adds an array of STRING. */
  public GgufBuilder strings(String key, String... elements) {
    Bytes bytes = new Bytes();
    for (String element : elements) {
      bytes.string(element);
    }
    return array(key, STRING, elements.length, bytes.toArray());
  }

  /** Adds an array of FLOAT32. */
  public GgufBuilder floats(String key, float... elements) {
    return array(key, FLOAT32, elements.length, bytes(elements));
  }

  /** Adds an array of INT32. */
  public GgufBuilder ints(String key, int... elements) {
    Bytes bytes = new Bytes();
    for (int element : elements) {
      bytes.int32(element);
    }
    return array(key, INT32, elements.length, bytes.toArray());
  }

  /** Adds values whose types are those of their Java types. */
  public GgufBuilder values(Map<String, Object> values) {
    values.forEach((key, value) -> {
      switch (value) {
        case String string -> string(key, string);
        case Boolean bool -> bool(key, bool);
        case Integer number -> uint32(key, number);
        case float[] floats -> floats(key, floats);
        case int[] ints -> ints(key, ints);
        case List<?> strings -> strings(key, strings.toArray(String[]::new));
        default -> throw new AssertionError(key + ": " + value.getClass());
      }
    });
    return this;
  }

  /** Adds an array that says to have {@code count} elements. */
  public GgufBuilder array(String key, int type, long count, byte... elements) {
    return value(key, ARRAY, new Bytes().int32(type).int64(count).bytes(elements).toArray());
  }

  /** Leaves out a key or a tensor. */
  public GgufBuilder without(String name) {
    if (values.remove(name) == null && tensors.remove(name) == null) {
      throw new IllegalArgumentException(name);
    }
    return this;
  }

  /** Aligns the data, and says so. */
  public GgufBuilder alignment(int bytes) {
    this.alignment = bytes;
    return uint32("general.alignment", bytes);
  }

  /** Adds a tensor. */
  public GgufBuilder tensor(String name, int type, byte[] data, long... dimensions) {
    tensors.put(name, new Tensor(type, data, dimensions));
    return this;
  }

  /** Adds a tensor of F32. */
  public GgufBuilder tensor(String name, float[] values, long... dimensions) {
    return tensor(name, 0, bytes(values), dimensions);
  }

  /** Floats as little-endian bytes. */
  public static byte[] bytes(float... values) {
    byte[] bytes = new byte[values.length * Float.BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(values);
    return bytes;
  }

  /** The tensors, by name. */
  public Map<String, Tensor> tensors() {
    return tensors;
  }

  /** The file. */
  public byte[] build() {
    Bytes file = new Bytes();
    file.bytes((byte) 'G', (byte) 'G', (byte) 'U', (byte) 'F').int32(3);
    file.int64(tensors.size()).int64(values.size());
    values.forEach((key, value) -> file.string(key).bytes(value));
    Bytes data = new Bytes();
    tensors.forEach((name, tensor) -> {
      file.string(name).int32(tensor.dimensions.length);
      for (long dimension : tensor.dimensions) {
        file.int64(dimension);
      }
      file.int32(tensor.type).int64(data.toArray().length);
      data.bytes(tensor.data).pad(alignment);
    });
    return file.pad(alignment).bytes(data.toArray()).toArray();
  }
}
