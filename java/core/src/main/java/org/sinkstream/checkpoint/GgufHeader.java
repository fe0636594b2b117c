package org.sinkstream.checkpoint;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sinkstream.error.CheckpointException;

/**
 * What stands in front of a GGUF file's data, versions 2 and 3 (ggml's {@code docs/gguf.md}):
 * magic, version, counts, key-value pairs, tensor infos. All it claims is proven against the file's
 * length before any of it is believed.
 */
final class GgufHeader {
  /** The first four bytes, "GGUF" as a little-endian number. */
  static final int MAGIC = 0x46554747;

  /** Key-value pairs of one file. */
  static final int MAX_KEYS = 1 << 16;

  /** Tensors of one file. */
  static final int MAX_TENSORS = 1 << 18;

  /** Bytes of a key. */
  static final int MAX_KEY_BYTES = (1 << 16) - 1;

  /** Bytes of a tensor's name, without the NUL that ggml puts behind it. */
  static final int MAX_NAME_BYTES = 63;

  /** Dimensions of a tensor. */
  static final int MAX_RANK = 4;

  /** Of the data, where {@code general.alignment} is left out. */
  static final int DEFAULT_ALIGNMENT = 32;

  /** Of the data. */
  static final int MAX_ALIGNMENT = 1 << 16;

  private static final int LEAST_KEY_BYTES = Long.BYTES + 1 + Integer.BYTES + 1;
  private static final int LEAST_TENSOR_BYTES = Long.BYTES + 1 + 2 * Integer.BYTES + Long.BYTES;

  private final Path file;
  private final MemorySegment bytes;
  private final GgufCursor in;

  /**
   * One tensor, its size proven.
   *
   * @param shape outermost dimension first, as everywhere but in the file
   * @param begin offset of its first byte in the file
   * @param size its bytes
   */
  record Tensor(String name, GgmlType type, List<Long> shape, long begin, long size) {}

  private GgufHeader(Path file, MemorySegment bytes) {
    this.file = file;
    this.bytes = bytes;
    this.in = new GgufCursor(file, bytes);
  }

  /** A header and the tensors whose data follow it, in their order. */
  record Contents(GgufMetadata metadata, List<Tensor> tensors) {}

  /** Reads a header and proves that its tensors lie in the file one after another. */
  static Contents read(Path file, MemorySegment bytes) {
    return new GgufHeader(file, bytes).read();
  }

  private Contents read() {
    checkMagic();
    checkVersion();
    long tensorsAt = in.position();
    long tensors = in.int64("the number of tensors");
    long keysAt = in.position();
    long keys = in.int64("the number of keys");
    checkCount(tensorsAt, "tensors", tensors, LEAST_TENSOR_BYTES, MAX_TENSORS);
    checkCount(keysAt, "keys", keys, LEAST_KEY_BYTES, MAX_KEYS);
    GgufMetadata metadata = metadata((int) keys);
    int alignment = alignment(metadata);
    return new Contents(metadata, tensors((int) tensors, alignment));
  }

  private void checkMagic() {
    int magic = in.int32("the magic \"GGUF\"");
    if (magic != MAGIC) {
      throw in.refuse(
          0,
          "the file begins with the bytes %08x; expected %08x (\"GGUF\")"
              .formatted(Integer.reverseBytes(magic), Integer.reverseBytes(MAGIC)));
    }
  }

  private void checkVersion() {
    long at = in.position();
    int version = in.int32("the version");
    if (version != 2 && version != 3) {
      boolean swapped = version != 0 && (version & 0xffff) == 0;
      throw in.refuse(
          at,
          "version is %s%s; expected 2 or 3"
              .formatted(
                  Integer.toUnsignedString(version),
                  swapped ? " (a big-endian file, which is not read)" : ""));
    }
  }

  private void checkCount(long at, String of, long count, int leastBytes, int most) {
    if (count < 0 || count > in.remaining() / leastBytes) {
      throw in.refuse(
          at,
          "%d %s; expected at most the %d that the remaining %d bytes could hold"
              .formatted(count, of, in.remaining() / leastBytes, in.remaining()));
    }
    if (count > most) {
      throw in.refuse(at, "%d %s; expected at most %d".formatted(count, of, most));
    }
  }

  private GgufMetadata metadata(int count) {
    Map<String, GgufMetadata.Value> values = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      long at = in.position();
      String key = in.string(1, MAX_KEY_BYTES, "key %d of %d".formatted(i, count));
      if (values.containsKey(key)) {
        throw in.refuse(at, "key %s is there twice".formatted(StrictJson.shown(key)));
      }
      values.put(key, value("key " + StrictJson.shown(key)));
    }
    return new GgufMetadata(file, bytes, values);
  }

  private GgufMetadata.Value value(String key) {
    GgufValueType type = type("the type of " + key);
    if (type != GgufValueType.ARRAY) {
      long start = in.position();
      skip(type, 1, key);
      return new GgufMetadata.Value(type, false, 1, start);
    }
    long at = in.position();
    GgufValueType elements = type("the element type of " + key);
    if (elements == GgufValueType.ARRAY) {
      throw in.refuse(at, key + " is an array of arrays; expected elements of another type");
    }
    at = in.position();
    long count = in.int64("the number of elements of " + key);
    if (Long.compareUnsigned(count, in.remaining() / elements.leastBytes()) > 0) {
      throw in.refuse(
          at,
          "%s is an array of %s %s, but only %d bytes follow"
              .formatted(key, Long.toUnsignedString(count), elements, in.remaining()));
    }
    long start = in.position();
    skip(elements, count, key);
    return new GgufMetadata.Value(elements, true, count, start);
  }

  private GgufValueType type(String what) {
    long at = in.position();
    int number = in.int32(what);
    return GgufValueType.numbered(number)
        .orElseThrow(() ->
            in.refuse(
                at,
                "%s is %s; expected 0 to %d"
                    .formatted(
                        what,
                        Integer.toUnsignedString(number),
                        GgufValueType.values().length - 1)));
  }

  private void skip(GgufValueType type, long count, String key) {
    switch (type) {
      case STRING -> {
        for (long i = 0; i < count; i++) {
          in.skipString("a string of " + key);
        }
      }
      case BOOL -> {
        for (long i = 0; i < count; i++) {
          checkBool(key);
        }
      }
      default -> in.skip(count * type.leastBytes(), key);
    }
  }

  private void checkBool(String key) {
    long at = in.position();
    byte value = in.int8(key);
    if (value != 0 && value != 1) {
      throw in.refuse(
          at, "%s is a BOOL of %d; expected 0 or 1".formatted(key, Byte.toUnsignedInt(value)));
    }
  }

  private static int alignment(GgufMetadata metadata) {
    if (!metadata.has(GgufKeys.ALIGNMENT)) {
      return DEFAULT_ALIGNMENT;
    }
    long alignment = metadata.integer(GgufKeys.ALIGNMENT);
    if (alignment < 1 || alignment > MAX_ALIGNMENT || Long.bitCount(alignment) != 1) {
      throw metadata.refuse(GgufKeys.ALIGNMENT, "a power of two from 1 to " + MAX_ALIGNMENT);
    }
    return (int) alignment;
  }

  /** A tensor as its info says, its offset not yet believed. */
  private record TensorInfo(
      long at, String name, GgmlType type, List<Long> shape, long size, long offset) {
    String shown() {
      return "tensor " + StrictJson.shown(name);
    }
  }

  private List<Tensor> tensors(int count, int alignment) {
    Set<String> names = new HashSet<>();
    List<TensorInfo> infos = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      TensorInfo info = info("tensor %d of %d".formatted(i, count));
      if (!names.add(info.name)) {
        throw in.refuse(info.at, info.shown() + " is there twice");
      }
      infos.add(info);
    }
    return placed(infos, padded(in.position(), alignment), alignment);
  }

  private TensorInfo info(String ordinal) {
    long at = in.position();
    String name = in.string(1, MAX_NAME_BYTES, "the name of " + ordinal);
    String shown = "tensor " + StrictJson.shown(name);
    if (name.indexOf(0) >= 0) {
      throw in.refuse(at, shown + " has a NUL in its name");
    }
    long rankAt = in.position();
    int rank = in.int32("the number of dimensions of " + shown);
    if (rank < 0 || rank > MAX_RANK) {
      throw in.refuse(
          rankAt,
          "%s has %s dimensions; expected at most %d"
              .formatted(shown, Integer.toUnsignedString(rank), MAX_RANK));
    }
    List<Long> shape = new ArrayList<>();
    for (int i = 0; i < rank; i++) {
      long dimensionAt = in.position();
      long dimension = in.int64("a dimension of " + shown);
      if (dimension < 1) {
        throw in.refuse(
            dimensionAt,
            "%s has a dimension of %d; expected at least 1".formatted(shown, dimension));
      }
      shape.addFirst(dimension);
    }
    long typeAt = in.position();
    int number = in.int32("the type of " + shown);
    GgmlType type =
        GgmlType.numbered(number)
            .orElseThrow(() ->
                in.refuse(
                    typeAt,
                    "%s has type %s, which is unknown or was removed from the format"
                        .formatted(shown, Integer.toUnsignedString(number))));
    long size = size(typeAt, shown, type, shape);
    return new TensorInfo(
        at, name, type, List.copyOf(shape), size, in.int64("the offset of " + shown));
  }

  private long size(long at, String shown, GgmlType type, List<Long> shape) {
    long row = shape.isEmpty() ? 1 : shape.getLast();
    if (row % type.blockValues() != 0) {
      throw in.refuse(
          at,
          "%s of %s has rows of %d; expected a multiple of %d"
              .formatted(shown, type, row, type.blockValues()));
    }
    try {
      long elements = shape.stream().reduce(1L, Math::multiplyExact);
      return Math.multiplyExact(elements / type.blockValues(), (long) type.blockBytes());
    } catch (ArithmeticException e) {
      throw new CheckpointException(
          "%s: byte %d: the size of %s, shape %s of %s, overflows"
              .formatted(file, at, shown, shape, type),
          e);
    }
  }

  /** Proves that each tensor begins where the one before it ends, padded to the alignment. */
  private List<Tensor> placed(List<TensorInfo> infos, long dataStart, int alignment) {
    List<Tensor> tensors = new ArrayList<>();
    long expected = 0;
    for (TensorInfo info : infos) {
      checkOffset(info, expected, alignment);
      try {
        long end = Math.addExact(expected, info.size);
        if (Math.addExact(dataStart, end) > bytes.byteSize()) {
          throw in.refuse(
              info.at,
              "%s ends at byte %d, but the file has only %d"
                  .formatted(info.shown(), dataStart + end, bytes.byteSize()));
        }
        tensors.add(new Tensor(info.name, info.type, info.shape, dataStart + expected, info.size));
        expected = padded(end, alignment);
      } catch (ArithmeticException e) {
        throw new CheckpointException(
            "%s: byte %d: %s, %d bytes at offset %d, ends beyond 2^63"
                .formatted(file, info.at, info.shown(), info.size, expected),
            e);
      }
    }
    return tensors;
  }

  private void checkOffset(TensorInfo info, long expected, int alignment) {
    if (info.offset != expected) {
      String why;
      if (info.offset % alignment != 0) {
        why = "not a multiple of the alignment " + alignment;
      } else {
        why = Long.compareUnsigned(info.offset, expected) > 0 ? "a hole" : "an overlap";
      }
      throw in.refuse(
          info.at,
          "%s has its data at offset %s; expected %d: %s"
              .formatted(info.shown(), Long.toUnsignedString(info.offset), expected, why));
    }
  }

  private static long padded(long offset, int alignment) {
    return Math.addExact(offset, alignment - 1L) & -alignment;
  }
}
