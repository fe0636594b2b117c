package org.sinkstream.checkpoint;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sinkstream.Conversion;
import org.sinkstream.WeightType;
import org.sinkstream.kernels.ElementType;
import org.sinkstream.testing.BinaryFiles;
import org.sinkstream.testing.GgufBuilder;
import org.sinkstream.testing.SharedData;
import org.sinkstream.testing.SkippedFactories;

/** Names, shapes, values and keys of converted checkpoints against {@link GgufConversion}. */
@ExtendWith(SkippedFactories.class)
class ConvertedTensorsTest {
  @TempDir private static Path folder;

  @TestFactory
  Stream<DynamicTest> committedCheckpoints() throws IOException {
    return all(Path.of("src/test/resources/golden"));
  }

  @TestFactory
  Stream<DynamicTest> sharedCheckpoints() throws IOException {
    return all(SharedData.require("golden"));
  }

  private static Stream<DynamicTest> all(Path root) throws IOException {
    return BinaryFiles.directories(root).stream()
        .map(directory ->
            DynamicTest.dynamicTest(directory.getFileName().toString(), () -> check(directory)));
  }

  private static void check(Path directory) throws IOException {
    Path file = folder.resolve(directory.getFileName() + ".gguf");
    long[] progress = {0};
    try (Conversion conversion = Conversion.open(directory, "random", WeightType.BF16, 2)) {
      conversion.write(file, bytes -> progress[0] += bytes);
      assertThat(file).hasSize(conversion.bytes());
    }
    assertThat(progress[0]).isEqualTo(Files.size(file));
    GgufBuilder expected = GgufConversion.convert(directory);
    Path reference = Files.write(folder.resolve("reference.gguf"), expected.build());
    try (Arena arena = Arena.ofConfined()) {
      GgufFile made = GgufFile.open(file, arena);
      checkKeys(made.metadata(), GgufFile.open(reference, arena).metadata());
      checkTensors(made.tensors(), expected.tensors());
    }
  }

  private static void checkKeys(GgufMetadata made, GgufMetadata reference) {
    assertThat(made.string("general.name")).isEqualTo("random");
    assertThat(made.integer("general.file_type")).isEqualTo(32);
    assertThat(made.integer("general.quantization_version")).isEqualTo(2);
    assertThat(made.integer("general.alignment")).isEqualTo(32);
    for (String key : reference.keys()) {
      assertThat(shown(made, key)).isEqualTo(shown(reference, key));
    }
  }

  /** A key and its value, with its type, as they stand in messages. */
  private static String shown(GgufMetadata metadata, String key) {
    return metadata.refuse(key, "").getMessage().split(": ", 2)[1];
  }

  private static void checkTensors(
      Map<String, StoredTensor> made, Map<String, GgufBuilder.Tensor> expected) {
    assertThat(made.keySet()).isEqualTo(expected.keySet());
    expected.forEach((name, tensor) -> {
      StoredTensor found = made.get(name);
      long[] dimensions = found.shape().reversed().stream().mapToLong(Long::longValue).toArray();
      assertThat(dimensions).as(name).isEqualTo(tensor.dimensions());
      boolean matrix = dimensions.length == 2;
      assertThat(found.type()).as(name).contains(matrix ? ElementType.BF16 : ElementType.F32);
      assertThat(widened(found)).as(name).isEqualTo(tensor.data());
    });
    assertThat(List.copyOf(made.keySet()).getFirst()).isEqualTo("token_embd.weight");
  }

  private static byte[] widened(StoredTensor tensor) {
    ByteBuffer bytes = tensor.data().asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    if (tensor.type().orElseThrow() == ElementType.F32) {
      return tensor.data().toArray(JAVA_BYTE);
    }
    float[] values = new float[(int) tensor.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.intBitsToFloat(bytes.getShort(2 * i) << 16);
    }
    return GgufBuilder.bytes(values);
  }
}
