package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.sinkstream.kernels.Device;
import org.sinkstream.testing.BinaryFiles;
import org.sinkstream.testing.InstructionSets;
import org.sinkstream.testing.SharedData;

/**
 * Random checkpoints against logits computed in float64, dense ones by Hugging Face transformers:
 * every variant of the families, every instruction set of this machine, cut into calls of 1, of 7,
 * and whole.
 */
class GoldenLogitsTest {
  private static final double TOLERANCE = 2e-5;

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
        .flatMap(directory ->
            InstructionSets.available().stream()
                .flatMap(isa ->
                    Stream.of(1, 7, 4096)
                        .map(chunk ->
                            DynamicTest.dynamicTest(
                                directory.getFileName() + " " + isa + " chunk " + chunk,
                                () -> check(directory, isa, chunk)))));
  }

  private static void check(Path directory, String isa, int chunk) throws IOException {
    int[] ids = BinaryFiles.ints(directory.resolve("ids.i32"));
    ModelOptions options =
        ModelOptions.defaults()
            .withKvType(KvType.F32)
            .withActivations(Activations.F32)
            .withChunk(chunk);
    List<Path> references = BinaryFiles.matching(directory, "logits_*.f32");
    assertThat(references).isNotEmpty();
    try (Model model = Model.open(directory, options, Device.openCpu(2, isa))) {
      for (Path reference : references) {
        String policy = reference.getFileName().toString().replaceAll("logits_(.*)\\.f32", "$1");
        float[] expected = BinaryFiles.floats(reference);
        float[] found = logits(model, CachePolicy.parse(policy), ids);
        assertThat(BinaryFiles.relativeDistance(found, expected))
            .as("%s under %s", directory.getFileName(), policy)
            .isLessThanOrEqualTo(TOLERANCE);
      }
    }
  }

  private static float[] logits(Model model, CachePolicy policy, int[] ids) {
    int vocabulary = model.info().vocabulary();
    float[] all = new float[ids.length * vocabulary];
    Arrays.fill(all, Float.NaN);
    try (Session session = model.newSession(policy)) {
      session.append(
          ids, (position, logits) -> logits.get(0, all, (int) position * vocabulary, vocabulary));
    }
    return all;
  }
}
