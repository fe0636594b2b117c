package org.sinkstream.cli.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a report is made of, with fonts and without. */
class ReportTest {
  @TempDir private Path directory;

  @Test
  void picturesAreLeftOutWhereThereAreNoFonts() throws IOException {
    for (boolean fonts : new boolean[] {true, false}) {
      Path folder = directory.resolve(Boolean.toString(fonts));
      RunDirectory out = RunDirectory.open(folder, true, "sinkstream", Map.of());
      new Report(out, "Title", fonts)
          .picture("a.png", "A picture", () -> new byte[] {1})
          .csv("a.csv", "figures", "1\n")
          .finish();
      assertThat(folder.resolve("a.csv")).exists();
      assertThat(Files.exists(folder.resolve("a.png"))).isEqualTo(fonts);
      assertThat(folder.resolve("report.md"))
          .content()
          .contains(fonts ? "![A picture](a.png)" : "A picture: not drawn");
    }
  }

  @Test
  void fontsAreThereWhereWordsCanBeDrawn() {
    assertThat(Fonts.areThere()).isEqualTo(drawsWords());
  }

  private static boolean drawsWords() {
    try {
      new HeatMap("title", "x", "y", false, 20, 20, true)
          .png(List.of(new HeatMap.Panel("", new double[][] {{0.5}})), 1);
      return true;
    } catch (IOException | RuntimeException | Error none) {
      return false;
    }
  }
}
