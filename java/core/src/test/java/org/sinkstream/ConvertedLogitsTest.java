package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sinkstream.checkpoint.GgufConversion;
import org.sinkstream.kernels.Device;
import org.sinkstream.testing.BinaryFiles;
import org.sinkstream.testing.GgufBuilder;
import org.sinkstream.testing.SharedData;
import org.sinkstream.testing.SkippedFactories;

/** The random checkpoints, converted without loss: the same logits. */
@ExtendWith(SkippedFactories.class)
class ConvertedLogitsTest {
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
    convert(directory, file);
    GoldenLogits.check(file, directory, "reference", 7);
  }

  private static void convert(Path directory, Path file) throws IOException {
    try (Conversion conversion = Conversion.open(directory, "random", WeightType.BF16, 1)) {
      conversion.write(file, bytes -> {});
    }
  }

  /** Softmax-off-by-one has no key; sink logits of 0 say the same. */
  @Test
  void zeroSinksStay() throws IOException {
    Path golden = Path.of("src/test/resources/golden/pythia");
    Path model = Files.createDirectory(folder.resolve("zero-sink"));
    Files.copy(golden.resolve("model.safetensors"), model.resolve("model.safetensors"));
    String config = Files.readString(golden.resolve("config.json"));
    Files.writeString(model.resolve("config.json"), "{\"zero_sink\": true," + config.substring(1));
    Path file = folder.resolve("zero-sink.gguf");
    convert(model, file);
    int[] ids = BinaryFiles.ints(golden.resolve("ids.i32"));
    float[] expected = logits(model, ids);
    assertThat(BinaryFiles.relativeDistance(logits(file, ids), expected)).isLessThan(1e-6);
    assertThat(BinaryFiles.relativeDistance(logits(golden, ids), expected)).isGreaterThan(1e-3);
  }

  @Test
  void someLayersAreNotEnough() throws IOException {
    Path golden = Path.of("src/test/resources/golden/pythia");
    GgufBuilder gguf = GgufConversion.convert(golden);
    Path file = folder.resolve("sinks.gguf");
    Files.write(file, gguf.tensor("blk.0.attn_sinks.weight", new float[4], 4).build());
    assertThatThrownBy(() -> Model.open(file).close())
        .hasMessageContaining("1 of 3 layers have sink logits; expected all or none");
  }

  private static float[] logits(Path model, int[] ids) {
    ModelOptions options = ModelOptions.defaults().withKvType(KvType.F32);
    try (Model opened = Model.open(model, options, Device.openCpu(1, "reference"));
        Session session = opened.newSession(CachePolicy.parse("4+20"))) {
      int vocabulary = opened.info().vocabulary();
      float[] all = new float[ids.length * vocabulary];
      session.append(
          ids, (position, logits) -> logits.get(0, all, (int) position * vocabulary, vocabulary));
      return all;
    }
  }
}
