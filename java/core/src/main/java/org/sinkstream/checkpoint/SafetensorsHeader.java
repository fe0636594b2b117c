package org.sinkstream.checkpoint;

import static tools.jackson.core.JsonToken.END_ARRAY;
import static tools.jackson.core.JsonToken.PROPERTY_NAME;
import static tools.jackson.core.JsonToken.START_ARRAY;
import static tools.jackson.core.JsonToken.START_OBJECT;
import static tools.jackson.core.JsonToken.VALUE_NUMBER_INT;
import static tools.jackson.core.JsonToken.VALUE_STRING;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.sinkstream.error.CheckpointException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * The JSON header of a safetensors file: which tensor lies where. Read token by token, so that what
 * a header can make us allocate is in proportion to its length.
 */
final class SafetensorsHeader {
  /** Tensors of one file. */
  static final int MAX_TENSORS = 1 << 18;

  /** Dimensions of a tensor. */
  static final int MAX_RANK = 64;

  private static final String METADATA = "__metadata__";

  private final Path file;
  private final JsonParser json;

  /**
   * One tensor, its size proven.
   *
   * @param begin offset of its first byte in the data that follow the header
   * @param end offset of the byte after its last
   */
  record Entry(String name, StoredType type, List<Long> shape, long begin, long end) {}

  private SafetensorsHeader(Path file, JsonParser json) {
    this.file = file;
    this.json = json;
  }

  /**
   * Reads a header and proves that its tensors fill the data exactly.
   *
   * @param dataBytes bytes that follow the header
   * @return the tensors in the order of their data
   */
  static List<Entry> read(Path file, byte[] header, long dataBytes) {
    checkEnds(file, header);
    try (JsonParser json = StrictJson.parser(header)) {
      SafetensorsHeader reader = new SafetensorsHeader(file, json);
      List<Entry> entries = reader.entries();
      reader.checkLayout(entries, dataBytes);
      return entries;
    } catch (JacksonException e) {
      throw StrictJson.refused(file, e);
    }
  }

  private static void checkEnds(Path file, byte[] header) {
    int end = header.length;
    while (end > 0 && header[end - 1] == ' ') {
      end--;
    }
    if (end == 0 || header[0] != '{' || header[end - 1] != '}') {
      throw new CheckpointException(
          file + ": the header is not a JSON object; expected {...} and at most spaces after it");
    }
  }

  private List<Entry> entries() {
    List<Entry> entries = new ArrayList<>();
    json.nextToken();
    while (json.nextToken() == PROPERTY_NAME) {
      String name = json.currentName();
      if (name.equals(METADATA)) {
        checkMetadata();
      } else {
        entries.add(entry(name));
      }
      if (entries.size() > MAX_TENSORS) {
        throw refuse("more than %d tensors".formatted(MAX_TENSORS));
      }
    }
    if (json.nextToken() != null) {
      throw refuse("the header goes on after its JSON object");
    }
    entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    return entries;
  }

  private void checkMetadata() {
    expect(METADATA, "the value", START_OBJECT, "an object of strings");
    while (json.nextToken() == PROPERTY_NAME) {
      String key = json.currentName();
      expect(METADATA, StrictJson.shown(key), VALUE_STRING, "a string");
    }
  }

  private Entry entry(String name) {
    expect(name, "the entry", START_OBJECT, "an object with dtype, shape and data_offsets");
    StoredType type = null;
    List<Long> shape = null;
    List<Long> offsets = null;
    while (json.nextToken() == PROPERTY_NAME) {
      String field = json.currentName();
      switch (field) {
        case "dtype" -> type = type(name);
        case "shape" -> shape = integers(name, field, MAX_RANK);
        case "data_offsets" -> offsets = integers(name, field, 2);
        default -> throw refuse(name, "unknown field " + StrictJson.shown(field));
      }
    }
    return proven(
        name,
        required(name, "dtype", type),
        required(name, "shape", shape),
        required(name, "data_offsets", offsets));
  }

  private <T> T required(String name, String field, @Nullable T value) {
    if (value == null) {
      throw refuse(name, field + " is missing");
    }
    return value;
  }

  private StoredType type(String name) {
    expect(name, "dtype", VALUE_STRING, "a string");
    String type = json.getString();
    return StoredType.named(type)
        .orElseThrow(() -> refuse(name, "dtype %s is unknown".formatted(StrictJson.shown(type))));
  }

  private List<Long> integers(String name, String field, int most) {
    String expected = "whole numbers from 0 to 2^63 - 1";
    expect(name, field, START_ARRAY, "a list of " + expected);
    List<Long> values = new ArrayList<>();
    while (json.nextToken() != END_ARRAY) {
      if (values.size() == most) {
        throw refuse(name, "%s has more than %d elements".formatted(field, most));
      }
      values.add(integer(name, field, expected));
    }
    return List.copyOf(values);
  }

  private long integer(String name, String field, String expected) {
    String text = json.getString();
    // "-0" is no way to write a size
    if (json.currentToken() == VALUE_NUMBER_INT && !text.startsWith("-")) {
      try {
        return Long.parseLong(text);
      } catch (NumberFormatException e) {
        // over 2^63 - 1: refused below
      }
    }
    throw refuse(name, "%s has %s; expected %s".formatted(field, StrictJson.shown(text), expected));
  }

  private void expect(String name, String field, JsonToken token, String expected) {
    if (json.nextToken() != token) {
      throw refuse(
          name,
          "%s is %s; expected %s".formatted(field, StrictJson.shown(json.getString()), expected));
    }
  }

  private Entry proven(String name, StoredType type, List<Long> shape, List<Long> offsets) {
    if (offsets.size() != 2) {
      throw refuse(name, "data_offsets has %d elements; expected 2".formatted(offsets.size()));
    }
    long begin = offsets.getFirst();
    long end = offsets.getLast();
    if (begin > end) {
      throw refuse(name, "data_offsets begin at %d, after their end %d".formatted(begin, end));
    }
    long bytes = bytes(name, type, shape);
    if (end - begin != bytes) {
      throw refuse(
          name,
          "data_offsets hold %d bytes, shape %s of %s takes %d"
              .formatted(end - begin, shape, type, bytes));
    }
    return new Entry(name, type, shape, begin, end);
  }

  private long bytes(String name, StoredType type, List<Long> shape) {
    try {
      long elements = 1;
      for (long dimension : shape) {
        elements = Math.multiplyExact(elements, dimension);
      }
      long bits = Math.multiplyExact(elements, type.bits());
      if (bits % Byte.SIZE != 0) {
        throw refuse(name, "shape %s of %s is not whole bytes".formatted(shape, type));
      }
      return bits / Byte.SIZE;
    } catch (ArithmeticException e) {
      throw refuse(name, "the size of shape %s of %s overflows".formatted(shape, type));
    }
  }

  private void checkLayout(List<Entry> entries, long dataBytes) {
    long end = 0;
    for (Entry entry : entries) {
      if (entry.begin != end) {
        throw refuse(
            entry.name,
            "data begin at %d; expected %d: %s"
                .formatted(entry.begin, end, entry.begin > end ? "a hole" : "an overlap"));
      }
      end = entry.end;
    }
    if (end != dataBytes) {
      throw refuse(
          "tensors end at byte %d of the data, which has %d: %s"
              .formatted(end, dataBytes, end > dataBytes ? "cut short" : "trailing bytes"));
    }
  }

  private CheckpointException refuse(String name, String what) {
    String kind = name.equals(METADATA) ? "" : "tensor ";
    return refuse("%s%s: %s".formatted(kind, StrictJson.shown(name), what));
  }

  private CheckpointException refuse(String what) {
    return new CheckpointException(file + ": " + what);
  }
}
