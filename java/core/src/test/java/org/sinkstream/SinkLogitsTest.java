package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.kernels.Device;
import org.sinkstream.testing.BinaryFiles;
import org.sinkstream.testing.ModelCopy;

/**
 * Sink logits as a config and as tensors say them, in every family. That the kernel adds them to
 * the denominator is tested in C, and against an oracle in {@link ModelLossTest}.
 */
class SinkLogitsTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden");

  @TempDir private Path folder;

  private static Map<String, float[]> vectors(String name, int layers, float... values) {
    Map<String, float[]> vectors = new TreeMap<>();
    IntStream.range(0, layers).forEach(layer -> vectors.put(name.formatted(layer), values));
    return vectors;
  }

  private float[] logits(Path model) throws IOException {
    ModelOptions options = ModelOptions.defaults().withKvType(KvType.F32);
    try (Model opened = Model.open(model, options, Device.openCpu(1, "reference"));
        Session session = opened.newSession(CachePolicy.parse("4+20"))) {
      session.append(BinaryFiles.ints(GOLDEN.resolve("pythia/ids.i32")));
      return session.logits();
    }
  }

  private static double distance(float[] a, float[] b) {
    return BinaryFiles.relativeDistance(a, b);
  }

  private static Path converted(Path model, Path file) throws IOException {
    try (Conversion conversion = Conversion.open(model, "sinks", WeightType.BF16, 1)) {
      conversion.write(file, bytes -> {});
    }
    return file;
  }

  @ParameterizedTest
  @CsvSource({
    "llama2-gqa, model.layers.%d.self_attn.sinks",
    "mpt-30b-clip, transformer.blocks.%d.attn.sinks",
    "falcon-7b, transformer.h.%d.self_attention.sinks",
    "pythia, gpt_neox.layers.%d.attention.sinks"
  })
  void everyFamilyHasThem(String family, String name) throws IOException {
    Path golden = GOLDEN.resolve(family);
    int heads;
    int layers;
    try (Model model = Model.open(golden)) {
      heads = model.info().heads();
      layers = model.info().layers();
      assertThat(model.info().sinkLogits()).isFalse();
    }
    float[] none = logits(golden);
    float[] zero =
        logits(ModelCopy.of(golden, folder.resolve("zero"), "\"zero_sink\": true", Map.of()));
    assertThat(distance(zero, none)).isGreaterThan(1e-3);

    Path zeros =
        ModelCopy.of(golden, folder.resolve("zeros"), "", vectors(name, layers, new float[heads]));
    assertThat(logits(zeros)).containsExactly(zero);

    float[] far = new float[heads];
    Arrays.fill(far, -200);
    Path absent = ModelCopy.of(golden, folder.resolve("absent"), "", vectors(name, layers, far));
    assertThat(distance(logits(absent), none)).isLessThan(1e-6);

    Map<String, float[]> learned = vectors(name, layers, new float[heads]);
    float[] last = new float[heads];
    last[heads - 1] = 3; // of one head in one layer alone
    learned.put(name.formatted(layers - 1), last);
    Path one = ModelCopy.of(golden, folder.resolve("one"), "", learned);
    assertThat(distance(logits(one), zero)).isGreaterThan(1e-4);
    try (Model model = Model.open(one)) {
      assertThat(model.info().sinkLogits()).isTrue();
    }
    assertThat(distance(logits(converted(one, folder.resolve("one.gguf"))), logits(one)))
        .isLessThan(1e-6);
  }

  @Test
  void refusesWhatDoesNotFit() throws IOException {
    String name = "gpt_neox.layers.%d.attention.sinks";
    refused(
        "", vectors(name, 3, new float[3]), name.formatted(0) + "\" has shape [3]; expected [4]");
    refused(
        "", vectors(name, 2, new float[4]), "2 of 3 layers have sink logits; expected all or none");
    refused(
        "",
        vectors(name, 3, 0, 1, Float.POSITIVE_INFINITY, 0),
        name.formatted(0) + "\" has Infinity; expected finite numbers");
    refused(
        "\"zero_sink\": true",
        vectors(name, 3, new float[4]),
        name.formatted(0) + "\" is there and zero_sink is true; expected one of them");
  }

  private void refused(String fields, Map<String, float[]> vectors, String message)
      throws IOException {
    Path model = ModelCopy.of(GOLDEN.resolve("pythia"), folder.resolve("bad"), fields, vectors);
    assertThatThrownBy(() -> Model.open(model))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(model.toString())
        .hasMessageContaining(message);
  }
}
