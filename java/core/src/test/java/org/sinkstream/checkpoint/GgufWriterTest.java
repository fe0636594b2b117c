package org.sinkstream.checkpoint;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sinkstream.kernels.ElementType;

/** What is written is what the reader, which believes nothing, finds. */
class GgufWriterTest {
  @TempDir Path directory;

  private static GgufEntries entries() {
    GgufEntries entries = new GgufEntries();
    entries.string("text", "Grüße, 世界");
    entries.string("empty", "");
    entries.uint32("large", 0xffff_ffffL);
    entries.float32("small", 1e-5);
    entries.bool("yes", true);
    entries.bool("no", false);
    entries.strings("texts", List.of("a", "", "çé"));
    entries.int32s("ints", 1, -2, Integer.MAX_VALUE);
    entries.float32s("floats", -0.5f, Float.NEGATIVE_INFINITY);
    entries.strings("nothing", List.of());
    return entries;
  }

  private static final List<GgufWriter.Tensor> TENSORS =
      List.of(
          new GgufWriter.Tensor("vector", ElementType.F32, List.of(3L)),
          new GgufWriter.Tensor("blocks", ElementType.Q4_K, List.of(5L, 512L)),
          new GgufWriter.Tensor("cube", ElementType.F16, List.of(2L, 3L, 7L)),
          new GgufWriter.Tensor("last", ElementType.Q8_0, List.of(1L, 32L)));

  @Test
  void readsBack() throws IOException {
    Random random = new Random(7);
    Path file = directory.resolve("file.gguf");
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    GgufWriter writer = new GgufWriter(out, entries(), TENSORS);
    byte[][] data = new byte[TENSORS.size()][];
    for (int i = 0; i < data.length; i++) {
      data[i] = new byte[(int) TENSORS.get(i).bytes()];
      random.nextBytes(data[i]);
      int first = data[i].length / 3;
      writer.write(data[i], first);
      byte[] rest = Arrays.copyOfRange(data[i], first, data[i].length);
      writer.write(rest, rest.length);
    }
    writer.finish();
    assertThat(out.size()).isEqualTo((int) GgufWriter.fileBytes(entries(), TENSORS));
    Files.write(file, out.toByteArray());

    try (Arena arena = Arena.ofConfined()) {
      GgufFile read = GgufFile.open(file, arena);
      assertThat(read.tensors().keySet()).containsExactly("vector", "blocks", "cube", "last");
      for (int i = 0; i < data.length; i++) {
        StoredTensor tensor = read.tensors().get(TENSORS.get(i).name());
        assertThat(tensor.shape()).isEqualTo(TENSORS.get(i).shape());
        assertThat(tensor.type()).contains(TENSORS.get(i).type());
        assertThat(tensor.data().toArray(JAVA_BYTE)).isEqualTo(data[i]);
      }
      GgufMetadata metadata = read.metadata();
      assertThat(metadata.keys()).hasSize(10).startsWith("text", "empty", "large");
      assertThat(metadata.string("text")).isEqualTo("Grüße, 世界");
      assertThat(metadata.string("empty")).isEmpty();
      assertThat(metadata.integer("large")).isEqualTo(0xffff_ffffL);
      assertThat(metadata.number("small")).isEqualTo(1e-5);
      assertThat(metadata.bool("yes")).isTrue();
      assertThat(metadata.bool("no")).isFalse();
      assertThat(metadata.strings("texts")).containsExactly("a", "", "çé");
      assertThat(metadata.ints("ints")).containsExactly(1, -2, Integer.MAX_VALUE);
      assertThat(metadata.floats("floats")).containsExactly(-0.5f, Float.NEGATIVE_INFINITY);
      assertThat(metadata.strings("nothing")).isEmpty();
    }
  }

  @Test
  void refusesWhatWouldBeNoFile() throws IOException {
    GgufEntries entries = entries();
    assertThatThrownBy(() -> entries.bool("text", true)).hasMessage("key text is there twice");
    assertThatThrownBy(() -> entries.uint32("n", -1))
        .hasMessage("n: -1; expected a number of 32 bits");
    assertThatThrownBy(() -> entries.uint32("n", 1L << 32)).hasMessageContaining("4294967296");
    List<GgufWriter.Tensor> named =
        List.of(new GgufWriter.Tensor("x".repeat(64), ElementType.F32, List.of(1L)));
    assertThatThrownBy(() -> new GgufWriter(new ByteArrayOutputStream(), entries, named))
        .hasMessageContaining("a name of 64 bytes; expected at most 63");
    GgufWriter writer = new GgufWriter(new ByteArrayOutputStream(), entries, TENSORS);
    assertThatThrownBy(() -> writer.write(new byte[13], 13)).hasMessageContaining("tensor 0");
    writer.write(new byte[12], 12);
    assertThatThrownBy(writer::finish).hasMessage("tensor 1 of 4 is not whole");
  }
}
