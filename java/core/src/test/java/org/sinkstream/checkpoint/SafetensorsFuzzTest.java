package org.sinkstream.checkpoint;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.sinkstream.checkpoint.SafetensorsFixture.bytes;
import static org.sinkstream.checkpoint.SafetensorsFixture.entry;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.statistics.Statistics;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.testing.Allocations;
import org.sinkstream.testing.Mutations;

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
  private static final List<byte[]> TOKENS =
      Stream.of(
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
              "\"scalar\":{},")
          .map(token -> token.getBytes(StandardCharsets.UTF_8))
          .toList();

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
      file = Mutations.mutate(file, random, TOKENS);
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

  /** Lets a damaged header through to the parser: its length says what is there up to the data. */
  private static byte[] withTrueLength(byte[] file) {
    int header = Math.max(0, file.length - Long.BYTES - 21);
    return bytes(
        Arrays.copyOfRange(file, Math.min(file.length, 8), Math.min(file.length, 8 + header)),
        new byte[21]);
  }

  private static void openOrRefuse(Path file) {
    long before = Allocations.bytesOfThisThread();
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
    assertThat(Allocations.bytesOfThisThread() - before).isLessThan(ALLOCATION_LIMIT);
  }
}
