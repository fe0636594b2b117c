package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sinkstream.testing.BinaryFiles;
import org.sinkstream.testing.EmbeddedModel;
import org.sinkstream.testing.SharedData;
import org.sinkstream.testing.SkippedFactories;

/**
 * What quantising costs in mean negative log-likelihood: of weights, of their input, of cached keys
 * and values.
 */
@ExtendWith(SkippedFactories.class)
class QuantizedLossTest {
  private static final CachePolicy POLICY = CachePolicy.parse("4+252");
  private static final ModelOptions EXACT =
      ModelOptions.defaults().withKvType(KvType.F32).withActivations(Activations.F32);

  @TempDir private static Path folder;

  @TestFactory
  Stream<DynamicTest> embeddedModel() {
    Path directory = EmbeddedModel.DIRECTORY;
    return tests(directory, written(directory));
  }

  @TestFactory
  Stream<DynamicTest> sharedModels() throws IOException {
    return BinaryFiles.directories(SharedData.require("models")).stream()
        .flatMap(directory -> tests(directory, ids(directory)));
  }

  private static Stream<DynamicTest> tests(Path directory, int[] ids) {
    String name = directory.getFileName().toString();
    return Stream.of(
        DynamicTest.dynamicTest(name + " q8_0 cache", () -> checkCache(directory, ids)),
        DynamicTest.dynamicTest(name + " weights", () -> checkWeights(directory, ids)));
  }

  private static void checkCache(Path directory, int[] ids) {
    double exact = loss(directory, ids, EXACT);
    double found = loss(directory, ids, EXACT.withKvType(KvType.Q8_0));
    assertThat(found).isCloseTo(exact, within(0.002 * exact)).isNotEqualTo(exact);
  }

  private static void checkWeights(Path directory, int[] ids) throws IOException {
    double stored = loss(directory, ids, EXACT);
    for (WeightType type : new WeightType[] {WeightType.Q8_0, WeightType.Q4_0, WeightType.Q4_K}) {
      Path file = folder.resolve(directory.getFileName() + "-" + type + ".gguf");
      try (Conversion conversion = Conversion.open(directory, "mini", type, 2)) {
        conversion.write(file, bytes -> {});
      }
      double exact = loss(file, ids, EXACT);
      if (type == WeightType.Q8_0) {
        assertThat(exact).as("q8_0 weights").isCloseTo(stored, within(0.005 * stored));
      }
      double rounded = loss(file, ids, EXACT.withActivations(Activations.AUTO));
      assertThat(rounded).as("%s, input quantised", type).isCloseTo(exact, within(2e-4));
      assertThat(rounded).as("%s is another computation", type).isNotEqualTo(exact);
    }
  }

  /** The mean over all tokens but the first. */
  private static double loss(Path path, int[] ids, ModelOptions options) {
    try (Model model = Model.open(path, options);
        Session session = model.newSession(POLICY)) {
      return Arrays.stream(session.score(ids)).skip(1).average().orElseThrow();
    }
  }

  private static int[] ids(Path directory) {
    try {
      return BinaryFiles.ints(directory.resolve("ids.i32"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A text of the model's own. */
  private static int[] written(Path directory) {
    try (Model model = Model.open(directory, EXACT);
        Session session = model.newSession(POLICY)) {
      int[] prompt = model.tokenizer().encode("It was a dark night, and the captain", true);
      session.append(prompt);
      int[] text = Arrays.copyOf(prompt, 1000);
      int at = prompt.length;
      for (Token token : session.generate(GenerationOptions.of(text.length - at, 7).withoutEnd())) {
        text[at++] = token.id();
      }
      return text;
    }
  }
}
