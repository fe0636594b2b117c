package org.sinkstream.cli.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.CachePolicy;
import org.sinkstream.Model;

/** What was interrupted, asked to or not, ends with the same numbers as what was not. */
final class ResumeTest {
  private static final Path MODEL = Path.of("../../models/llama-mini");
  private static final ModelSource SOURCE =
      new ModelSource("llama-mini", "llama-mini", () -> Model.open(MODEL));

  @TempDir Path directory;

  /** The process is gone, as with SIGKILL: nothing is written any more. */
  private static final class Killed extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** Asks to stop, or kills, at a number of advances. */
  private static final class Interrupting implements Monitor {
    private final int stopAt;
    private final int killAt;
    private int advances;

    Interrupting(int stopAt, int killAt) {
      this.stopAt = stopAt;
      this.killAt = killAt;
    }

    @Override
    public Task start(String name, long total, long done, String unit) {
      return new Task() {
        @Override
        public void advance(long count) {
          if (++advances == killAt) {
            throw new Killed();
          }
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public boolean stopRequested() {
      return advances >= stopAt;
    }

    @Override
    public void tell(String line) {}
  }

  private static Monitor quiet() {
    return new Interrupting(Integer.MAX_VALUE, -1);
  }

  private RunDirectory open(String name) throws IOException {
    return RunDirectory.open(directory.resolve(name), true, "sinkstream", Map.of());
  }

  private void assertSameFiles(String... names) {
    for (String name : names) {
      assertThat(directory.resolve("resumed").resolve(name))
          .hasSameBinaryContentAs(directory.resolve("whole").resolve(name));
    }
  }

  private void interruptAndResume(Experiment experiment, int stopAt, int killAt)
      throws IOException, StoppedException {
    experiment.run(open("whole"), quiet());
    assertThatThrownBy(() -> experiment.run(open("resumed"), new Interrupting(stopAt, -1)))
        .isInstanceOf(StoppedException.class);
    assertThatThrownBy(
            () -> experiment.run(open("resumed"), new Interrupting(Integer.MAX_VALUE, killAt)))
        .isInstanceOf(Killed.class);
    writeHalfLines();
    experiment.run(open("resumed"), quiet());
  }

  /** What a process may leave that was writing when it was killed. */
  private void writeHalfLines() throws IOException {
    try (Stream<Path> files = Files.walk(directory.resolve("resumed/parts"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String name = file.getFileName().toString();
        boolean open =
            !Files.exists(file.resolveSibling("outcome.txt"))
                && !Files.exists(file.resolveSibling("done.txt"));
        if (open && (name.endsWith(".csv") || name.equals("losses.f64"))) {
          Files.writeString(file, "123,4", StandardOpenOption.APPEND);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"dense", "4+28", "recompute:8"})
  void perplexity(String policy) throws IOException, StoppedException {
    int[] ids = new Random(3).ints(600, 3, 4096).toArray();
    interruptAndResume(
        new PerplexityExperiment(
            SOURCE,
            new ScoredText(model -> ids, 0, false),
            List.of(CachePolicy.parse("0+28"), CachePolicy.parse(policy)),
            100,
            64),
        13,
        4);
    assertSameFiles("perplexity.csv", "cumulative.png", "moving.png");
    try (Stream<Path> left = Files.walk(directory)) {
      assertThat(left.map(Path::getFileName).map(Path::toString))
          .as("states that nobody needs any more")
          .noneMatch(name -> name.startsWith("session-"));
    }
  }

  @Test
  void attentionMap() throws IOException, StoppedException {
    int[] ids = new Random(4).ints(200, 3, 4096).toArray();
    interruptAndResume(
        new AttentionMapExperiment(SOURCE, new ScoredText(model -> ids, 0, false), 8, 16), 3, 2);
    assertSameFiles("report.md", "heads.csv", "heads.png", "layer-03.png");
  }

  @Test
  void streamEval() throws IOException, StoppedException {
    interruptAndResume(
        new StreamEvalExperiment(
            SOURCE, List.of(CachePolicy.parse("4+60")), List.of(5), 3, 9, 3000),
        5,
        4);
    assertSameFiles("report.md", "answers.csv", "position.png");
  }

  @Test
  void latencyKeepsWhatWasMeasured() throws IOException, StoppedException {
    Experiment experiment = new LatencyExperiment(SOURCE, List.of(16, 32), 1, 64);
    assertThatThrownBy(() -> experiment.run(open("resumed"), new Interrupting(2, -1)))
        .isInstanceOf(StoppedException.class);
    Path measured = directory.resolve("resumed/parts/latency/measured.csv");
    List<String> before = Files.readAllLines(measured);
    assertThat(before).hasSize(3);
    experiment.run(open("resumed"), quiet());
    assertThat(Files.readAllLines(measured)).hasSize(5).startsWith(before.toArray(String[]::new));
  }
}
