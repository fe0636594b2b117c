package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.sinkstream.kernels.Device;
import org.sinkstream.testing.BinaryFiles;

/** Logits of a model against those that were computed elsewhere in float64. */
final class GoldenLogits {
  private static final double TOLERANCE = 2e-5;

  private GoldenLogits() {}

  /**
   * Compares under all policies that have logits.
   *
   * @param container the model's container
   * @param directory of the tokens and the expected logits
   * @param chunk tokens that go through the layers together
   */
  static void check(Path container, Path directory, String isa, int chunk) throws IOException {
    check(container, directory, () -> Device.openCpu(2, isa), chunk, TOLERANCE);
  }

  /**
   * Compares on a device.
   *
   * @param device opens it; the model closes it
   * @param tolerance of the relative distance
   */
  static void check(
      Path container, Path directory, Supplier<Device> device, int chunk, double tolerance)
      throws IOException {
    int[] ids = BinaryFiles.ints(directory.resolve("ids.i32"));
    ModelOptions options =
        ModelOptions.defaults()
            .withKvType(KvType.F32)
            .withActivations(Activations.F32)
            .withChunk(chunk);
    List<Path> references = BinaryFiles.matching(directory, "logits_*.f32");
    assertThat(references).isNotEmpty();
    try (Model model = Model.open(container, options, device.get())) {
      for (Path reference : references) {
        String policy = reference.getFileName().toString().replaceAll("logits_(.*)\\.f32", "$1");
        float[] expected = BinaryFiles.floats(reference);
        float[] found = logits(model, CachePolicy.parse(policy), ids);
        assertThat(BinaryFiles.relativeDistance(found, expected))
            .as("%s under %s", container.getFileName(), policy)
            .isLessThanOrEqualTo(tolerance);
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
