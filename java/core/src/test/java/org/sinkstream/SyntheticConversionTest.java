package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sinkstream.checkpoint.Checkpoint;
import org.sinkstream.checkpoint.Config;
import org.sinkstream.graph.ModelConfig;
import org.sinkstream.kernels.Device;
import org.sinkstream.synthetic.SmallModels;
import org.sinkstream.synthetic.SyntheticModel;

/** Random weights, quantised already, become a file of the same model: blocks are not touched. */
final class SyntheticConversionTest {
  @TempDir private Path directory;

  private static Stream<Arguments> models() {
    return SmallModels.CONFIGS.stream()
        .flatMap(json ->
            Stream.of(WeightType.Q4_0, WeightType.Q4_K, WeightType.Q8_0, WeightType.F32)
                .map(type -> Arguments.of(json, type)));
  }

  @ParameterizedTest
  @MethodSource("models")
  void theFileIsTheSameModel(String json, WeightType type) throws Exception {
    Path file = directory.resolve("model.gguf");
    Config config = Config.read(Files.writeString(directory.resolve("config.json"), json));
    float[] expected;
    Device device = Device.openCpu(2);
    Arena arena = Arena.ofShared();
    Checkpoint random =
        new SyntheticModel(
                "small", config, type.mixture(2, ModelConfig.read(config).tiedEmbeddings()), 1)
            .create(device, arena, false);
    try (Conversion conversion =
        new Conversion(device, arena, random, Optional.empty(), "small", type)) {
      expected = SmallModels.logits(device, arena, random);
      conversion.write(file, bytes -> {});
    }
    try (Device again = Device.openCpu(2);
        Arena mapped = Arena.ofShared()) {
      float[] found = SmallModels.logits(again, mapped, Checkpoint.open(file, mapped));
      assertThat(found).hasSameSizeAs(expected);
      for (int i = 0; i < found.length; i++) {
        // Sums of a head's channels come in another order where rows are permuted.
        assertThat(found[i]).as("logit %d", i).isCloseTo(expected[i], within(1e-4f));
      }
    }
  }
}
