package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.sinkstream.testing.BinaryFiles;
import org.sinkstream.testing.Gpu;
import org.sinkstream.testing.SharedData;
import org.sinkstream.testing.SkippedFactories;

/**
 * Trained checkpoints against a float64 oracle's negative log-likelihoods, per token and in the
 * mean.
 */
@ExtendWith(SkippedFactories.class)
class ModelLossTest {
  @TestFactory
  Stream<DynamicTest> exactCache() throws IOException {
    return all(options(KvType.F32, Activations.F32), 1e-4);
  }

  @TestFactory
  Stream<DynamicTest> halfPrecisionCache() throws IOException {
    return all(options(KvType.F16, Activations.AUTO), 2e-3);
  }

  @TestFactory
  Stream<DynamicTest> onGpu() throws IOException {
    Gpu.require();
    return all(options(KvType.F16, Activations.AUTO).withDevice("cuda"), 2e-3);
  }

  private static ModelOptions options(KvType kvType, Activations activations) {
    return ModelOptions.defaults().withKvType(kvType).withActivations(activations);
  }

  private static Stream<DynamicTest> all(ModelOptions options, double meanTolerance)
      throws IOException {
    return BinaryFiles.directories(SharedData.require("models")).stream()
        .map(directory ->
            DynamicTest.dynamicTest(
                directory.getFileName() + " " + options.kvType() + " " + options.device(),
                () -> check(directory, options, meanTolerance)));
  }

  private static void check(Path directory, ModelOptions options, double meanTolerance)
      throws IOException {
    int[] ids = BinaryFiles.ints(directory.resolve("ids.i32"));
    try (Model model = Model.open(directory, options)) {
      for (Path reference : BinaryFiles.matching(directory, "nll_*.f32")) {
        String policy = reference.getFileName().toString().replaceAll("nll_(.*)\\.f32", "$1");
        float[] expected = BinaryFiles.floats(reference);
        try (Session session = model.newSession(CachePolicy.parse(policy))) {
          double[] found = session.score(ids);
          assertThat(found[0]).as("loss of the first token").isNaN();
          double[] losses = Arrays.copyOfRange(found, 1, found.length);
          assertThat(losses).hasSameSizeAs(expected);
          assertThat(Arrays.stream(losses).average().orElseThrow())
              .as("mean under %s", policy)
              .isCloseTo(mean(expected), within(meanTolerance));
          if (options.kvType() == KvType.F32) {
            assertThat(largestDifference(losses, expected))
                .as("per token under %s", policy)
                .isLessThanOrEqualTo(2e-3);
          }
        }
      }
    }
  }

  private static double mean(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).average().orElseThrow();
  }

  private static double largestDifference(double[] found, float[] expected) {
    return IntStream.range(0, expected.length)
        .mapToDouble(i -> Math.abs(found[i] - expected[i]))
        .reduce(0, (a, b) -> Double.isNaN(b) ? Double.POSITIVE_INFINITY : Math.max(a, b));
  }
}
