package org.sinkstream;

import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.sinkstream.convert.Conversion;
import org.sinkstream.convert.WeightType;
import org.sinkstream.testing.BinaryFiles;
import org.sinkstream.testing.SharedData;

/** The random checkpoints, converted without loss: the same logits. */
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
    try (Conversion conversion = Conversion.open(directory, "random", WeightType.BF16, 1)) {
      conversion.write(file, bytes -> {});
    }
    GoldenLogits.check(file, directory, "reference", 7);
  }
}
