package org.sinkstream.checkpoint;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sinkstream.checkpoint.SafetensorsFixture.bytes;
import static org.sinkstream.checkpoint.SafetensorsFixture.entry;
import static org.sinkstream.checkpoint.SafetensorsFixture.withLength;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.error.CheckpointException;

/** What must be refused, rule by rule, each with a message that says what is wrong. */
class SafetensorsRejectionTest {
  private static final String HEADER = "{" + entry("a", "F32", "[1]", 0, 4) + "}";
  private static final byte[] DATA = new byte[4];

  @TempDir private Path folder;

  private void refused(byte[] bytes, String... messageParts) {
    refused(SafetensorsFixture.write(folder, "bad.safetensors", bytes), messageParts);
  }

  private static void refused(Path file, String... messageParts) {
    try (Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> SafetensorsFile.open(file, arena))
          .isExactlyInstanceOf(CheckpointException.class)
          .hasMessageStartingWith(file.toString() + ": ")
          .message()
          .contains(messageParts)
          .hasLineCount(1);
    }
  }

  /** A header with the only tensor {@code a} of that entry. */
  private void entryRefused(String entry, String... messageParts) {
    refused(bytes("{\"a\":" + entry + "}", DATA), messageParts);
  }

  @Test
  void absentFileAndFolder() {
    refused(folder.resolve("absent.safetensors"), "no such file");
    refused(folder, "not a regular file");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7})
  void shorterThanItsLength(int size) {
    refused(new byte[size], size + " bytes; expected at least the 8");
  }

  @ParameterizedTest
  @CsvSource({
    "100000001, 100000001",
    "9223372036854775807, 9223372036854775807",
    "-1, 18446744073709551615",
    "-9223372036854775808, 9223372036854775808"
  })
  void hugeHeader(long length, String shown) {
    refused(
        withLength(length, HEADER.getBytes(StandardCharsets.UTF_8), DATA),
        "a header of " + shown + " bytes; expected at most 100000000");
  }

  @Test
  void headerLongerThanTheFile() {
    refused(withLength(100_000_000, new byte[10]), "100000000 bytes, but only 10 follow");
    refused(withLength(11, new byte[10]), "11 bytes, but only 10 follow");
  }

  @Test
  void notUtf8() {
    String header = "{" + entry("\u00e9", "F32", "[1]", 0, 4) + "}";
    refused(bytes(header.getBytes(StandardCharsets.ISO_8859_1), DATA), "not valid UTF-8");
    byte[] overlong = HEADER.replace("\"a\"", "\"??\"").getBytes(StandardCharsets.ISO_8859_1);
    overlong[2] = (byte) 0xc1;
    overlong[3] = (byte) 0xa1;
    refused(bytes(overlong, DATA), "not valid UTF-8");
    byte[] surrogate = HEADER.replace("\"a\"", "\"???\"").getBytes(StandardCharsets.ISO_8859_1);
    surrogate[2] = (byte) 0xed;
    surrogate[3] = (byte) 0xa0;
    surrogate[4] = (byte) 0x80;
    refused(bytes(surrogate, DATA), "not valid UTF-8");
    refused(bytes(HEADER.getBytes(StandardCharsets.UTF_16LE), DATA), "the header is not a JSON");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", " ", "[]", "null", "\"a\"", " {}", "\ufeff{}", "{}\n", "{}\0", "{} x"})
  void notOneObject(String header) {
    refused(bytes(header), "the header is not a JSON object");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}{}", "{},{}", "{\"a\"}", "{a:{}}", "{\"a\":}", "{'a':{}}", "{//\n}"})
  void notJson(String header) {
    refused(bytes(header), "");
  }

  @Test
  void twoObjects() {
    refused(bytes("{} {}"), "the header goes on after its JSON object");
  }

  @Test
  void duplicateKeys() {
    String first = entry("a", "F32", "[1]", 0, 4);
    String second = entry("a", "F32", "[1]", 4, 8);
    refused(bytes("{" + first + "," + second + "}", new byte[8]), "Duplicate", "\"a\"");
    String escaped = entry("\\u0061", "F32", "[1]", 4, 8);
    refused(bytes("{" + first + "," + escaped + "}", new byte[8]), "Duplicate", "\"a\"");
    entryRefused(
        "{\"dtype\":\"F32\",\"d\\u0074ype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}",
        "Duplicate",
        "\"dtype\"");
    refused(bytes("{\"__metadata__\":{\"k\":\"1\",\"\\u006b\":\"2\"}}"), "Duplicate", "\"k\"");
    refused(bytes("{\"__metadata__\":{},\"\\u005f_metadata__\":{}}"), "Duplicate");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "true", "null", "[]", "{}"})
  void metadataOtherThanStrings(String value) {
    refused(
        bytes("{\"__metadata__\":{\"k\":" + value + "}}"), "\"__metadata__\"", "\"k\"", "a string");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "\"pt\"", "null", "[]"})
  void metadataNoObject(String value) {
    refused(bytes("{\"__metadata__\":" + value + "}"), "\"__metadata__\"", "an object of strings");
  }

  @Test
  void fieldsMissingExtraOrWronglyTyped() {
    entryRefused("{\"shape\":[1],\"data_offsets\":[0,4]}", "tensor \"a\"", "dtype is missing");
    entryRefused("{\"dtype\":\"F32\",\"data_offsets\":[0,4]}", "tensor \"a\"", "shape is missing");
    entryRefused("{\"dtype\":\"F32\",\"shape\":[1]}", "tensor \"a\"", "data_offsets is missing");
    entryRefused(
        "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"strides\":[1]}",
        "tensor \"a\"",
        "unknown field \"strides\"");
    entryRefused("{\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,4]}", "dtype is \"1\"");
    entryRefused("{\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]}", "\"F33\" is unknown");
    entryRefused("{\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]}", "\"f32\" is unknown");
    entryRefused("{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}", "shape is \"1\"");
    entryRefused("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":4}", "data_offsets is");
    entryRefused(
        "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}",
        "data_offsets has 1 elements; expected 2");
    entryRefused(
        "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}",
        "data_offsets has more than 2 elements");
    entryRefused("[]", "tensor \"a\"", "an object with dtype, shape and data_offsets");
    entryRefused("null", "tensor \"a\"", "an object with dtype, shape and data_offsets");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-1",
        "-0",
        "1.0",
        "1.5",
        "1e0",
        "1E2",
        "9223372036854775808",
        "18446744073709551617",
        "\"1\"",
        "true",
        "null",
        "[1]",
        "{}"
      })
  void noWholeNumber(String number) {
    entryRefused(
        "{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[0,4]}".formatted(number),
        "tensor \"a\": shape has ",
        "expected whole numbers from 0 to 2^63 - 1");
    entryRefused(
        "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,%s]}".formatted(number),
        "tensor \"a\": data_offsets has ",
        "expected whole numbers from 0 to 2^63 - 1");
  }

  @ParameterizedTest
  @ValueSource(strings = {"01", "+1", "NaN", "0x1"})
  void noNumberOfJson(String number) {
    entryRefused(
        "{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[0,4]}".formatted(number),
        "not valid JSON");
  }

  @Test
  void endBeforeBegin() {
    refused(
        bytes("{" + entry("a", "F32", "[1]", 4, 0) + "}", DATA),
        "tensor \"a\": data_offsets begin at 4, after their end 0");
  }

  @Test
  void holesAndOverlaps() {
    refused(
        bytes("{" + entry("a", "F32", "[1]", 4, 8) + "}", new byte[8]),
        "tensor \"a\": data begin at 4; expected 0: a hole");
    String first = "{" + entry("a", "F32", "[2]", 0, 8) + ",";
    refused(
        bytes(first + entry("b", "F32", "[1]", 12, 16) + "}", new byte[16]),
        "tensor \"b\": data begin at 12; expected 8: a hole");
    refused(
        bytes(first + entry("b", "F32", "[2]", 4, 12) + "}", new byte[12]),
        "tensor \"b\": data begin at 4; expected 8: an overlap");
    refused(
        bytes(first + entry("b", "F32", "[2]", 0, 8) + "}", new byte[8]),
        "data begin at 0; expected 8: an overlap");
  }

  @Test
  void dataOfAnotherLength() {
    refused(bytes(HEADER, new byte[3]), "end at byte 4 of the data, which has 3: cut short");
    refused(bytes(HEADER, new byte[5]), "end at byte 4 of the data, which has 5: trailing bytes");
    refused(bytes("{}", new byte[1]), "end at byte 0 of the data, which has 1: trailing bytes");
    refused(
        bytes("{" + entry("a", "U8", "[9223372036854775807]", 0, Long.MAX_VALUE) + "}"),
        "overflows");
    refused(
        bytes("{" + entry("a", "U8", "[1152921504606846975]", 0, (1L << 60) - 1) + "}"),
        "end at byte 1152921504606846975 of the data, which has 0: cut short");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[9223372036854775807,2]",
        "[4294967296,4294967296]", // 2^64, which wraps to 0
        "[4294967296,4294967296,0]", // a zero at the end does not undo it
        "[2305843009213693953,1]" // whose bytes wrap to 4
      })
  void overflow(String shape) {
    refused(bytes("{" + entry("a", "F32", shape, 0, 4) + "}", DATA), "tensor \"a\"", "overflows");
  }

  @Test
  void sizeOtherThanTheShapes() {
    refused(
        bytes("{" + entry("a", "F32", "[2]", 0, 4) + "}", DATA),
        "tensor \"a\": data_offsets hold 4 bytes, shape [2] of F32 takes 8");
    refused(
        bytes("{" + entry("a", "F32", "[]", 0, 0) + "}"),
        "tensor \"a\": data_offsets hold 0 bytes, shape [] of F32 takes 4");
    refused(
        bytes("{" + entry("a", "F4", "[3]", 0, 2) + "}", new byte[2]),
        "tensor \"a\": shape [3] of F4 is not whole bytes");
  }

  @Test
  void nesting() {
    entryRefused("[".repeat(1 << 20), "the entry is \"[\"");
    String deep = "{\"a\":".repeat(100_000) + "{}" + "}".repeat(100_000);
    refused(bytes(deep), "tensor \"a\": unknown field \"a\"");
    refused(bytes("{\"__metadata__\":" + deep + "}"), "\"__metadata__\"", "a string");
  }

  @Test
  void longNames() {
    String longest = "n".repeat(StrictJson.MAX_NAME_LENGTH);
    SafetensorsFixture.write(
        folder, "longest", bytes("{" + entry(longest, "U8", "[0]", 0, 0) + "}"));
    try (Arena arena = Arena.ofConfined()) {
      SafetensorsFile.open(folder.resolve("longest"), arena);
    }
    refused(
        bytes("{" + entry(longest + "n", "U8", "[0]", 0, 0) + "}"),
        "Name length (1025) exceeds the maximum allowed (1024");
  }

  @Test
  void longNumbersAndRanks() {
    String digits = "1".repeat(StrictJson.MAX_NUMBER_LENGTH + 1);
    entryRefused(
        "{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[0,4]}".formatted(digits),
        "Number value length (101) exceeds the maximum allowed (100");
    String ones =
        IntStream.rangeClosed(0, SafetensorsHeader.MAX_RANK)
            .mapToObj(i -> "1")
            .collect(Collectors.joining(",", "[", "]"));
    refused(
        bytes("{" + entry("a", "F32", ones, 0, 4) + "}", DATA), "shape has more than 64 elements");
  }

  @Test
  void tooManyTensors() {
    String header =
        IntStream.rangeClosed(0, SafetensorsHeader.MAX_TENSORS)
            .mapToObj(i -> entry(Integer.toHexString(i), "U8", "[0]", 0, 0))
            .collect(Collectors.joining(",", "{", "}"));
    refused(bytes(header), "more than 262144 tensors");
  }

  @Test
  void namesCannotBreakTheMessage() {
    refused(bytes("{" + entry("\\n\\u0000", "F33", "[0]", 0, 0) + "}"), "tensor \"\\n\\u0000\"");
  }

  @Test
  void sparseFileIsRefusedBeforeItsHeaderIsAllocated() throws IOException {
    Path file = folder.resolve("sparse.safetensors");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.write(withLength(1L << 40, new byte[0]));
      sparse.setLength(1L << 41);
    }
    refused(file, "a header of 1099511627776 bytes; expected at most 100000000");
  }
}
