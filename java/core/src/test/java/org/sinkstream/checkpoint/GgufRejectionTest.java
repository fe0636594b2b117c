package org.sinkstream.checkpoint;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.testing.GgufBuilder;
import org.sinkstream.testing.GgufBuilder.Bytes;

/**
 * What must be refused in a GGUF file, rule by rule, each with a message that says where and what
 * is wrong.
 */
class GgufRejectionTest {
  private static final int FLOAT32 = 6;
  private static final int BOOL = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;

  private static final int F32 = 0;
  private static final int Q8_0 = 8;
  private static final int Q4_K = 12;
  private static final int I8 = 24;
  private static final int F64 = 28;

  /** Bytes of a header without keys and tensors. */
  private static final int HEADER = 24;

  @TempDir private Path folder;

  private void refused(byte[] bytes, String... messageParts) {
    refused(SafetensorsFixture.write(folder, "bad.gguf", bytes), messageParts);
  }

  private static void refused(Path file, String... messageParts) {
    try (Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> GgufFile.open(file, arena))
          .isExactlyInstanceOf(CheckpointException.class)
          .hasMessageStartingWith(file + ": ")
          .message()
          .contains(messageParts)
          .hasLineCount(1);
    }
  }

  private static Bytes header(int version, long tensors, long keys) {
    return new Bytes()
        .bytes("GGUF".getBytes(StandardCharsets.US_ASCII))
        .int32(version)
        .int64(tensors)
        .int64(keys);
  }

  /** A file of one key and what follows its name. */
  private static byte[] key(String key, Bytes value) {
    return header(3, 0, 1).string(key).bytes(value.toArray()).toArray();
  }

  /** A file of one tensor and 64 bytes of data. */
  private static byte[] tensor(String name, int type, long... dimensions) {
    return new GgufBuilder().tensor(name, type, new byte[64], dimensions).build();
  }

  @Test
  void absentFileAndFolder() {
    refused(folder.resolve("absent.gguf"), "no such file");
    refused(folder, "not a regular file");
  }

  @Test
  void magic() {
    refused(new byte[0], "byte 0: the magic \"GGUF\" takes 4 bytes, but only 0 follow");
    refused(new byte[3], "byte 0: the magic \"GGUF\" takes 4 bytes, but only 3 follow");
    byte[] ggml = header(3, 0, 0).toArray();
    ggml[2] = 'M';
    ggml[3] = 'L';
    refused(ggml, "byte 0: the file begins with the bytes 47474d4c; expected 47475546 (\"GGUF\")");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 4, -1, 65535})
  void version(int version) {
    refused(
        header(version, 0, 0).toArray(),
        "byte 4: version is " + Integer.toUnsignedString(version) + "; expected 2 or 3");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void swappedVersion(int version) {
    refused(
        header(Integer.reverseBytes(version), 0, 0).toArray(),
        "byte 4: version is " + (version << 24) + " (a big-endian file, which is not read)");
  }

  @Test
  void headerCutShort() {
    byte[] whole = header(3, 0, 0).toArray();
    for (int length = 4; length < HEADER; length++) {
      int field = length < 8 ? 4 : length / 8 * 8;
      refused(
          Arrays.copyOf(whole, length),
          "byte %d: ".formatted(field),
          "bytes, but only %d follow".formatted(length - field));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 32, 4})
  void counts(long count) {
    byte[] rest = new byte[48]; // of two tensors or three keys at most
    String expected = "; expected at most the %d that the remaining 48 bytes could hold";
    refused(
        header(3, count, 0).bytes(rest).toArray(),
        "byte 8: %d tensors".formatted(count) + expected.formatted(1));
    refused(
        header(3, 0, count).bytes(rest).toArray(),
        "byte 16: %d keys".formatted(count) + expected.formatted(3));
  }

  @Test
  void moreThanAnyModelHas() throws IOException {
    Path file = folder.resolve("sparse.gguf");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.write(header(3, GgufHeader.MAX_TENSORS + 1, 0).toArray());
      sparse.setLength(1L << 30);
      refused(file, "byte 8: 262145 tensors; expected at most 262144");
      sparse.seek(0);
      sparse.write(header(3, 0, GgufHeader.MAX_KEYS + 1).toArray());
      refused(file, "byte 16: 65537 keys; expected at most 65536");
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {17, 1L << 40, Long.MAX_VALUE, -1, Long.MIN_VALUE})
  void stringsLongerThanWhatRemains(long length) {
    String shown = Long.toUnsignedString(length);
    refused(
        key("k", new Bytes().int32(STRING).int64(length).bytes(new byte[16])),
        "byte 45: a string of key \"k\" takes " + shown + " bytes, but only 16 follow");
    refused(
        key(
            "k",
            new Bytes()
                .int32(ARRAY)
                .int32(STRING)
                .int64(2)
                .string("a")
                .int64(length)
                .bytes(new byte[16])),
        "byte 66: a string of key \"k\" takes " + shown + " bytes, but only 16 follow");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 65536, 1L << 40, -1})
  void keysEmptyOrTooLong(long length) {
    refused(
        header(3, 0, 1).int64(length).bytes(new byte[16]).toArray(),
        "byte 24: key 0 of 1 is of %s bytes; expected 1 to 65535"
            .formatted(Long.toUnsignedString(length)));
    refused(
        header(3, 0, 1).int64(17).bytes(new byte[16]).toArray(),
        "byte 32: key 0 of 1 takes 17 bytes, but only 16 follow");
  }

  @Test
  void duplicateKeys() {
    Bytes file = header(3, 0, 2).string("k\n").int32(BOOL).bytes((byte) 0);
    refused(
        file.string("k\n").int32(BOOL).bytes((byte) 0).toArray(),
        "byte 39: key \"k\\n\" is there twice");
  }

  @Test
  void keysThatAreNoUtf8() {
    refused(
        header(3, 0, 1).int64(2).bytes((byte) 0xc1, (byte) 0xa1).bytes(new byte[16]).toArray(),
        "byte 32: key 0 of 1 is not valid UTF-8");
  }

  @ParameterizedTest
  @ValueSource(ints = {13, -1, 1 << 24})
  void unknownValueTypes(int type) {
    String shown = Integer.toUnsignedString(type);
    refused(
        key("k", new Bytes().int32(type).int64(0)),
        "byte 33: the type of key \"k\" is " + shown + "; expected 0 to 12");
    refused(
        key("k", new Bytes().int32(ARRAY).int32(type).int64(0)),
        "byte 37: the element type of key \"k\" is " + shown + "; expected 0 to 12");
  }

  @Test
  void arraysOfArrays() {
    refused(
        key("k", new Bytes().int32(ARRAY).int32(ARRAY).int64(0)),
        "byte 37: key \"k\" is an array of arrays");
  }

  @ParameterizedTest
  @ValueSource(longs = {5, 1L << 62, Long.MAX_VALUE, -1, Long.MIN_VALUE})
  void arrayCounts(long count) {
    String shown = Long.toUnsignedString(count);
    refused(
        key("k", new Bytes().int32(ARRAY).int32(FLOAT32).int64(count).bytes(new byte[16])),
        "byte 41: key \"k\" is an array of " + shown + " FLOAT32, but only 16 bytes follow");
    refused(
        key("k", new Bytes().int32(ARRAY).int32(STRING).int64(count).bytes(new byte[32])),
        "byte 41: key \"k\" is an array of " + shown + " STRING, but only 32 bytes follow");
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 128, 255})
  void boolsOtherThan0And1(int value) {
    refused(
        key("k", new Bytes().int32(BOOL).bytes((byte) value)),
        "byte 37: key \"k\" is a BOOL of " + value + "; expected 0 or 1");
    refused(
        key("k", new Bytes().int32(ARRAY).int32(BOOL).int64(2).bytes((byte) 1, (byte) value)),
        "byte 50: key \"k\" is a BOOL of " + value + "; expected 0 or 1");
  }

  @Test
  void valuesCutShort() {
    byte[] whole = new GgufBuilder().strings("k", "a", "bc").float32("f", 1).build();
    int end = 24 + 9 + 4 + 12 + 9 + 10 + 9 + 4 + 4;
    for (int length = HEADER; length < end; length++) {
      refused(Arrays.copyOf(whole, length), "byte ");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 24, 65535, 131072, -1, Integer.MIN_VALUE})
  void alignment(int alignment) {
    refused(
        new GgufBuilder().uint32("general.alignment", alignment).build(),
        "general.alignment is " + Integer.toUnsignedString(alignment) + " (UINT32)",
        "expected a power of two from 1 to 65536");
  }

  @Test
  void alignmentOfAnotherType() {
    refused(
        new GgufBuilder().string("general.alignment", "32").build(),
        "general.alignment is \"32\"; expected a whole number");
  }

  @Test
  void names() {
    refused(tensor("", F32, 16), "byte 24: the name of tensor 0 of 1 is of 0 bytes; expected 1 to");
    refused(
        tensor("n".repeat(64), F32, 16),
        "byte 24: the name of tensor 0 of 1 is of 64 bytes; expected 1 to 63");
    refused(
        tensor("ü".repeat(32), F32, 16),
        "the name of tensor 0 of 1 is of 64 bytes; expected 1 to 63");
    refused(tensor("a\0b", F32, 16), "byte 24: tensor \"a\\u0000b\" has a NUL in its name");
    byte[] malformed = tensor("??", F32, 16);
    malformed[32] = (byte) 0xff;
    refused(malformed, "byte 32: the name of tensor 0 of 1 is not valid UTF-8");
  }

  @Test
  void duplicateNames() {
    byte[] file =
        new GgufBuilder()
            .tensor("a", F32, new byte[32], 8)
            .tensor("b", F32, new byte[32], 8)
            .build();
    int second = HEADER + 9 + 4 + 8 + 4 + 8;
    file[second + 8] = 'a';
    refused(file, "byte %d: tensor \"a\" is there twice".formatted(second));
  }

  @Test
  void moreThanFourDimensions() {
    refused(
        tensor("a", F32, 16, 1, 1, 1, 1),
        "byte 33: tensor \"a\" has 5 dimensions; expected at most 4");
    byte[] negative = tensor("a", F32, 16);
    Arrays.fill(negative, 33, 37, (byte) 0xff);
    refused(negative, "byte 33: tensor \"a\" has 4294967295 dimensions; expected at most 4");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, Long.MIN_VALUE})
  void dimensionsUnder1(long dimension) {
    refused(
        tensor("a", F32, 16, dimension),
        "byte 45: tensor \"a\" has a dimension of " + dimension + "; expected at least 1");
  }

  @Test
  void overflow() {
    refused(
        tensor("a", I8, 1L << 32, 1L << 32),
        "byte 53: the size of tensor \"a\", shape [4294967296, 4294967296] of I8, overflows");
    refused(tensor("a", I8, 1L << 21, 1L << 21, 1L << 21, 1L << 2), "overflows");
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 5, 31, 32, 33, 36, 37, 38, 42, 1000, -1, Integer.MIN_VALUE})
  void unknownAndRemovedTypes(int type) {
    refused(
        tensor("a", type, 256),
        "byte 45: tensor \"a\" has type " + Integer.toUnsignedString(type),
        "unknown or was removed");
  }

  @ParameterizedTest
  @CsvSource({Q8_0 + ", 33, 32", Q8_0 + ", 16, 32", Q4_K + ", 128, 256"})
  void rowsOfNoWholeBlocks(int type, long row, int block) {
    refused(
        tensor("a", type, row),
        "tensor \"a\" of ",
        "has rows of " + row + "; expected a multiple of " + block);
  }

  @Test
  void sizeOverflow() {
    refused(tensor("a", F64, 1L << 60), "the size of tensor \"a\"", "of F64, overflows");
    refused(
        tensor("a", I8, Long.MAX_VALUE),
        "byte 24: tensor \"a\", 9223372036854775807 bytes at offset 0, ends beyond 2^63");
  }

  @ParameterizedTest
  @CsvSource({
    "4, not a multiple of the alignment 32",
    "0, an overlap",
    "64, a hole",
    "-32, a hole",
    "-1, not a multiple of the alignment 32"
  })
  void offsets(long offset, String why) {
    byte[] file =
        new GgufBuilder()
            .tensor("a", F32, new byte[32], 8)
            .tensor("b", F32, new byte[32], 8)
            .build();
    int second = HEADER + 9 + 4 + 8 + 4 + 8;
    byte[] bytes = new Bytes().int64(offset).toArray();
    System.arraycopy(bytes, 0, file, second + 25, bytes.length);
    refused(
        file,
        "byte %d: tensor \"b\" has its data at offset %s; expected 32: %s"
            .formatted(second, Long.toUnsignedString(offset), why));
  }

  @Test
  void outOfOrder() {
    byte[] file =
        new GgufBuilder()
            .tensor("a", F32, new byte[32], 8)
            .tensor("b", F32, new byte[32], 8)
            .build();
    byte[] first = Arrays.copyOfRange(file, HEADER, HEADER + 33);
    System.arraycopy(file, HEADER + 33, file, HEADER, 33);
    System.arraycopy(first, 0, file, HEADER + 33, 33);
    refused(file, "byte 24: tensor \"b\" has its data at offset 32; expected 0: a hole");
  }

  @Test
  void dataLongerThanTheFile() {
    byte[] whole = tensor("a", F32, 16);
    int infos = HEADER + 9 + 4 + 8 + 4 + 8;
    for (int length = infos; length < whole.length; length++) {
      refused(
          Arrays.copyOf(whole, length),
          "byte 24: tensor \"a\" ends at byte 128, but the file has only " + length);
    }
    refused(tensor("a", F32, 1L << 40), "ends at byte 4398046511168, but the file has only 128");
  }

  @Test
  void valuesReadAsAnotherType() {
    Path file =
        SafetensorsFixture.write(
            folder,
            "good.gguf",
            new GgufBuilder()
                .uint32("u", 7)
                .string("s", "text")
                .float32("f", Double.NaN)
                .value("u64", 10, new Bytes().int64(-1).toArray())
                .array("strings", STRING, 1, new Bytes().int64(1).bytes((byte) 0xff).toArray())
                .array("unsigned", 4, 1, new Bytes().int32(-1).toArray())
                .bool("b", true)
                .build());
    try (Arena arena = Arena.ofConfined()) {
      GgufMetadata metadata = GgufFile.open(file, arena).metadata();
      refused(() -> metadata.string("u"), file, "u is 7 (UINT32); expected a string");
      refused(() -> metadata.integer("s"), file, "s is \"text\"; expected a whole number");
      refused(() -> metadata.integer("b"), file, "b is true (BOOL); expected a whole number");
      refused(() -> metadata.integer("f"), file, "f is NaN (FLOAT32); expected a whole number");
      refused(() -> metadata.number("u"), file, "u is 7 (UINT32); expected a number");
      refused(() -> metadata.bool("u"), file, "u is 7 (UINT32); expected true or false");
      refused(
          () -> metadata.integer("u64"),
          file,
          "u64 is 18446744073709551615 (UINT64); expected a whole number below 2^63");
      refused(() -> metadata.string("x"), file, "x is missing; expected a string");
      refused(() -> metadata.strings("s"), file, "s is \"text\"; expected an array of strings");
      refused(
          () -> metadata.floats("strings"), file, "strings is an array of 1 STRING; expected an");
      refused(() -> metadata.strings("strings"), file, "strings has a string at byte", "UTF-8");
      refused(() -> metadata.ints("unsigned"), file, "expected numbers below 2^31");
      refused(() -> metadata.count("u"), file, "u is 7 (UINT32); expected an array");
    }
  }

  private static void refused(Runnable read, Path file, String... messageParts) {
    assertThatThrownBy(read::run)
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(file + ": ")
        .message()
        .contains(messageParts)
        .hasLineCount(1);
  }
}
