package org.sinkstream.checkpoint;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.sinkstream.checkpoint.SafetensorsFixture.bytes;
import static org.sinkstream.checkpoint.SafetensorsFixture.entry;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.statistics.Statistics;
import org.sinkstream.error.CheckpointException;

/**
 * Damaged files either open, and then every tensor can be read, or are refused with the typed
 * exception. Nothing else may happen, and nothing may be allocated that the file's length does not
 * account for.
 */
class SafetensorsFuzzTest {
  private static final byte[] VALID =
      bytes(
          "{\"__metadata__\":{\"format\":\"pt\"},"
              + entry("model.embed.weight", "BF16", "[3,2]", 0, 12)
              + ","
              + entry("scalar", "F32", "[]", 12, 16)
              + ","
              + entry("b\\u0061d", "U8", "[5]", 16, 21)
              + "}  ",
          new byte[21]);

  /** What a mutation puts in, besides single bytes. */
  private static final List<String> TOKENS =
      List.of(
          "{",
          "}",
          "[",
          "]",
          ",",
          ":",
          "\"",
          "\\",
          "\\u0000",
          "\\ud800",
          "-",
          "1e9",
          "0.5",
          "9223372036854775807",
          "9223372036854775808",
          "null",
          "true",
          "\"dtype\"",
          "\"shape\"",
          "\"data_offsets\"",
          "\"__metadata__\"",
          "\"F64\"",
          "\"F4\"",
          "[[[[[[[[",
          "{\"a\":",
          " ",
          "\0",
          "\n",
          "\ufeff",
          "\"scalar\":{},");

  private static final long ALLOCATION_LIMIT = 8 << 20; // parser buffers, messages, stack traces

  private static final Path FOLDER = newFolder();

  private static Path newFolder() {
    try {
      return Files.createTempDirectory("sinkstream-fuzz");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @AfterContainer
  static void deleteFolder() throws IOException {
    Files.deleteIfExists(FOLDER.resolve("fuzz.safetensors"));
    Files.delete(FOLDER);
  }

  @Property(tries = 5_000)
  void damagedFilesOpenOrAreRefused(@ForAll long seed) {
    Random random = new Random(seed);
    byte[] file = VALID;
    for (int i = random.nextInt(4); i >= 0; i--) {
      file = mutate(file, random);
    }
    if (random.nextBoolean()) {
      file = withTrueLength(file);
    }
    Statistics.coverage(outcomes -> {
      outcomes.check("opened").percentage(percent -> percent > 0.5);
      outcomes.check("refused").percentage(percent -> percent > 50);
    });
    openOrRefuse(SafetensorsFixture.write(FOLDER, "fuzz.safetensors", file));
  }

  private static byte[] mutate(byte[] file, Random random) {
    int at = random.nextInt(file.length + 1);
    return switch (random.nextInt(5)) {
      case 0 -> Arrays.copyOf(file, at);
      case 1 -> splice(file, at, at, new byte[] {(byte) random.nextInt(256)});
      case 2 -> splice(file, at, Math.min(file.length, at + 1 + random.nextInt(8)), new byte[0]);
      case 3 -> {
        byte[] token = TOKENS.get(random.nextInt(TOKENS.size())).getBytes(StandardCharsets.UTF_8);
        yield splice(file, at, Math.min(file.length, at + random.nextInt(4)), token);
      }
      default -> {
        byte[] flipped = file.clone();
        if (file.length > 0) {
          flipped[at % file.length] ^= (byte) (1 << random.nextInt(8));
        }
        yield flipped;
      }
    };
  }

  private static byte[] splice(byte[] file, int begin, int end, byte[] middle) {
    byte[] result = new byte[begin + middle.length + file.length - end];
    System.arraycopy(file, 0, result, 0, begin);
    System.arraycopy(middle, 0, result, begin, middle.length);
    System.arraycopy(file, end, result, begin + middle.length, file.length - end);
    return result;
  }

  /** Lets a damaged header through to the parser: its length says what is there up to the data. */
  private static byte[] withTrueLength(byte[] file) {
    int header = Math.max(0, file.length - Long.BYTES - 21);
    return bytes(
        Arrays.copyOfRange(file, Math.min(file.length, 8), Math.min(file.length, 8 + header)),
        new byte[21]);
  }

  private static void openOrRefuse(Path file) {
    long before = allocatedBytes();
    try (Arena arena = Arena.ofConfined()) {
      for (StoredTensor tensor : SafetensorsFile.open(file, arena).tensors().values()) {
        long bits = StoredType.valueOf(tensor.typeName()).bits();
        for (long dimension : tensor.shape()) {
          bits *= dimension;
        }
        assertThat(tensor.data().byteSize() * Byte.SIZE).isEqualTo(bits);
        assertThat(tensor.data().toArray(JAVA_BYTE)).hasSize((int) (bits / Byte.SIZE));
      }
      Statistics.collect("opened");
    } catch (CheckpointException refused) {
      assertThat(refused).hasMessageStartingWith(file.toString());
      Statistics.collect("refused");
    }
    assertThat(allocatedBytes() - before).isLessThan(ALLOCATION_LIMIT);
  }

  /**
   * Bytes this thread has allocated, by reflection: the library's module does not read
   * jdk.management.
   */
  private static long allocatedBytes() {
    try {
      Object threads =
          Class.forName("java.lang.management.ManagementFactory")
              .getMethod("getThreadMXBean")
              .invoke(null);
      Method allocated =
          Class.forName("com.sun.management.ThreadMXBean")
              .getMethod("getCurrentThreadAllocatedBytes");
      return (long) allocated.invoke(threads);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }
}
