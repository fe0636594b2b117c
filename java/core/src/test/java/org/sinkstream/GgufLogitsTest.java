package org.sinkstream;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sinkstream.checkpoint.GgufConversion;
import org.sinkstream.testing.BinaryFiles;
import org.sinkstream.testing.InstructionSets;
import org.sinkstream.testing.SharedData;
import org.sinkstream.testing.SkippedFactories;

/**
 * The random checkpoints as GGUF files: rows permuted and stacked as llama.cpp does, the same
 * logits.
 */
@ExtendWith(SkippedFactories.class)
class GgufLogitsTest {
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
        .flatMap(directory ->
            InstructionSets.available().stream()
                .map(isa ->
                    DynamicTest.dynamicTest(
                        directory.getFileName() + " " + isa, () -> check(directory, isa))));
  }

  private static void check(Path directory, String isa) throws IOException {
    Path file = folder.resolve(directory.getFileName() + ".gguf");
    Files.write(file, GgufConversion.convert(directory).build());
    GoldenLogits.check(file, directory, isa, 7);
  }
}
