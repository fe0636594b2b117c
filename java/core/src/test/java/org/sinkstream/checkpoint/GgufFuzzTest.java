package org.sinkstream.checkpoint;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.statistics.Statistics;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.graph.ModelConfig;
import org.sinkstream.testing.Allocations;
import org.sinkstream.testing.GgufBuilder.Bytes;
import org.sinkstream.testing.Mutations;

/**
 * Damaged GGUF files either open, and then everything in them can be read or is refused, or are
 * refused with the typed exception. Nothing else may happen, and nothing may be allocated that the
 * file's length does not account for.
 */
class GgufFuzzTest {
  private static final byte[] VALID =
      GgufModels.llama()
          .value("odd", 12, new byte[8])
          .array("bools", 7, 2, (byte) 0, (byte) 1)
          .build();

  /** What a mutation puts in, besides single bytes. */
  private static final List<byte[]> TOKENS = tokens();

  private static final long ALLOCATION_LIMIT = 8 << 20; // messages, stack traces, JSON

  private static final Path FOLDER = newFolder();

  private static List<byte[]> tokens() {
    List<byte[]> tokens = new ArrayList<>();
    for (long value :
        new long[] {0, 1, 2, 3, 8, 9, 12, 13, 32, 63, 64, 255, 65536, Integer.MAX_VALUE, -1}) {
      tokens.add(new Bytes().int32((int) value).toArray());
      tokens.add(new Bytes().int64(value).toArray());
    }
    for (long value : new long[] {1L << 31, 1L << 32, 1L << 61, Long.MAX_VALUE, Long.MIN_VALUE}) {
      tokens.add(new Bytes().int64(value).toArray());
    }
    for (String text : List.of("blk.0.", "llama", "general.alignment", "\0", "\n", ".bias")) {
      tokens.add(text.getBytes(StandardCharsets.UTF_8));
      tokens.add(new Bytes().string(text).toArray());
    }
    tokens.add(new Bytes().int32(Float.floatToIntBits(Float.NaN)).toArray());
    tokens.add(new byte[] {(byte) 0xc1, (byte) 0xa1});
    return tokens;
  }

  private static Path newFolder() {
    try {
      return Files.createTempDirectory("sinkstream-fuzz");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @AfterContainer
  static void deleteFolder() throws IOException {
    Files.deleteIfExists(FOLDER.resolve("fuzz.gguf"));
    Files.delete(FOLDER);
  }

  @Property(tries = 5_000)
  void damagedFilesOpenOrAreRefused(@ForAll long seed) {
    Random random = new Random(seed);
    byte[] file = VALID;
    for (int i = random.nextInt(4); i >= 0; i--) {
      file = Mutations.mutate(file, random, TOKENS);
    }
    Statistics.coverage(outcomes -> {
      outcomes.check("opened").percentage(percent -> percent > 0.5);
      outcomes.check("refused").percentage(percent -> percent > 50);
    });
    openOrRefuse(SafetensorsFixture.write(FOLDER, "fuzz.gguf", file));
  }

  private static void openOrRefuse(Path file) {
    long before = Allocations.bytesOfThisThread();
    try (Arena arena = Arena.ofConfined()) {
      GgufFile gguf = GgufFile.open(file, arena);
      gguf.tensors().values().forEach(GgufFuzzTest::readAll);
      gguf.metadata().keys().forEach(key -> readAll(file, gguf.metadata(), key));
      Checkpoint checkpoint = Checkpoint.open(file, arena);
      checkpoint.fingerprint();
      ModelConfig.read(checkpoint.config());
      Statistics.collect("opened");
    } catch (CheckpointException refused) {
      assertThat(refused).hasMessageStartingWith(file.toString()).message().hasLineCount(1);
      Statistics.collect("refused");
    }
    assertThat(Allocations.bytesOfThisThread() - before).isLessThan(ALLOCATION_LIMIT);
  }

  private static void readAll(StoredTensor tensor) {
    GgmlType type = GgmlType.valueOf(tensor.typeName());
    assertThat(tensor.data().byteSize())
        .isEqualTo(tensor.elements() / type.blockValues() * type.blockBytes());
    assertThat(tensor.data().toArray(JAVA_BYTE)).hasSize((int) tensor.data().byteSize());
  }

  /** A value is of one type; read as any other it is refused. */
  private static void readAll(Path file, GgufMetadata metadata, String key) {
    for (Consumer<String> read :
        List.<Consumer<String>>of(
            metadata::string,
            metadata::integer,
            metadata::number,
            metadata::bool,
            metadata::count,
            metadata::strings,
            metadata::floats,
            metadata::ints)) {
      try {
        read.accept(key);
      } catch (CheckpointException refused) {
        assertThat(refused).hasMessageStartingWith(file.toString());
      }
    }
  }

  @Property(tries = 1)
  void theUndamagedFileOpens() {
    Path file = SafetensorsFixture.write(FOLDER, "fuzz.gguf", VALID);
    try (Arena arena = Arena.ofConfined()) {
      Checkpoint checkpoint = Checkpoint.open(file, arena);
      assertThat(ModelConfig.read(checkpoint.config()).layers()).isEqualTo(1);
    }
  }
}
