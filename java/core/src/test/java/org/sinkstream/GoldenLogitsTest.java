package org.sinkstream;

import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.sinkstream.kernels.Device;
import org.sinkstream.testing.BinaryFiles;
import org.sinkstream.testing.Gpu;
import org.sinkstream.testing.InstructionSets;
import org.sinkstream.testing.SharedData;
import org.sinkstream.testing.SkippedFactories;

/**
 * Random checkpoints against logits computed in float64, dense ones by Hugging Face transformers:
 * every variant of the families, every instruction set of this machine, cut into calls of 1, of 7,
 * and whole.
 */
@ExtendWith(SkippedFactories.class)
class GoldenLogitsTest {
  private static final double GPU_TOLERANCE = 1e-4;

  @TestFactory
  Stream<DynamicTest> committedCheckpoints() throws IOException {
    return all(Path.of("src/test/resources/golden"));
  }

  @TestFactory
  Stream<DynamicTest> sharedCheckpoints() throws IOException {
    return all(SharedData.require("golden"));
  }

  @TestFactory
  Stream<DynamicTest> committedCheckpointsOnGpu() throws IOException {
    return allOnGpu(Path.of("src/test/resources/golden"));
  }

  @TestFactory
  Stream<DynamicTest> sharedCheckpointsOnGpu() throws IOException {
    return allOnGpu(SharedData.require("golden"));
  }

  /** With float32 weights, keys and values, as the CPU's. */
  private static Stream<DynamicTest> allOnGpu(Path root) throws IOException {
    Gpu.require();
    return BinaryFiles.directories(root).stream()
        .flatMap(directory ->
            Stream.of(1, 7, 4096)
                .map(chunk ->
                    DynamicTest.dynamicTest(
                        directory.getFileName() + " cuda chunk " + chunk,
                        () ->
                            GoldenLogits.check(
                                directory,
                                directory,
                                () -> Device.openCuda(0, 1),
                                chunk,
                                GPU_TOLERANCE))));
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
                                () -> GoldenLogits.check(directory, directory, isa, chunk)))));
  }
}
