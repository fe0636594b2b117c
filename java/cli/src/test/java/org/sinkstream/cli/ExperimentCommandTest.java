package org.sinkstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The experiments from the command line, on the embedded model. */
final class ExperimentCommandTest {
  private static final int TOKENS = 700;

  @TempDir Path directory;
  private Path out;
  private String ids;

  @BeforeEach
  void writeIds() throws IOException {
    int[] tokens = new Random(7).ints(TOKENS, 3, 4096).toArray();
    tokens[0] = 1;
    ids = Cli.writeIds(directory.resolve("ids"), tokens).toString();
    out = directory.resolve("out");
  }

  private Cli.Result experiment(String... arguments) {
    List<String> all = new ArrayList<>(List.of("experiment"));
    all.addAll(List.of(arguments));
    all.addAll(List.of("--out", out.toString()));
    return Cli.run(all.toArray(String[]::new));
  }

  private List<String[]> csv(String name) throws IOException {
    return Files.readAllLines(out.resolve(name)).stream().map(line -> line.split(",", -1)).toList();
  }

  private void assertPicture(String name) throws IOException {
    assertThat(ImageIO.read(out.resolve(name).toFile()).getWidth()).as(name).isGreaterThan(300);
    assertThat(out.resolve("report.md")).content().contains("](" + name + ")");
  }

  @Test
  void perplexityIsThatOfThePerplexityCommand() throws IOException {
    Cli.Result result =
        experiment(
            "perplexity",
            "--ids",
            ids,
            "--cache",
            "dense",
            "--cache",
            "0+60",
            "--cache",
            "4+60",
            "--window",
            "100");
    assertThat(result.code()).as(result.err()).isZero();
    assertThat(result.out().strip()).isEqualTo(out.resolve("report.md").toString());
    List<String[]> rows = csv("summary.csv");
    assertThat(rows).hasSize(4);
    for (String[] row : rows.subList(1, 4)) {
      double alone =
          Cli.run("perplexity", "--ids", ids, "--cache", row[1], "--json")
              .json()
              .get("nll_mean")
              .asDouble();
      assertThat(Double.parseDouble(row[4])).as(row[1]).isEqualTo(alone);
      assertThat(row[3]).isEqualTo(Integer.toString(TOKENS - 1));
      assertThat(row[6]).as("losses that are no finite number").isEqualTo("0");
    }
    List<String[]> curve = csv("perplexity.csv");
    assertThat(curve.getLast()[1]).isEqualTo(Integer.toString(TOKENS));
    assertThat(Double.parseDouble(curve.getLast()[2]))
        .isEqualTo(Double.parseDouble(rows.getLast()[5]));
    assertPicture("cumulative.png");
    assertPicture("moving.png");
    assertThat(out.resolve("report.md"))
        .content()
        .contains("4+60 is dense, up to rounding")
        .contains("sinkstream experiment perplexity --ids " + ids + " --cache dense");
    assertThat(out.resolve("command.txt")).content().startsWith("sinkstream experiment perplexity");
  }

  @Test
  void theMovingPerplexityIsThatOfTheNewestTokens() throws IOException {
    Path nll = directory.resolve("nll");
    experiment("perplexity", "--ids", ids, "--cache", "4+60", "--window", "100");
    Cli.run("perplexity", "--ids", ids, "--cache", "4+60", "--nll-out", nll.toString());
    float[] losses = Cli.readFloats(nll);
    double sum = 0;
    for (float loss : Arrays.copyOfRange(losses, losses.length - 100, losses.length)) {
      sum += loss;
    }
    assertThat(Double.parseDouble(csv("perplexity.csv").getLast()[3]))
        .isCloseTo(Math.exp(sum / 100), org.assertj.core.data.Percentage.withPercentage(0.001));
  }

  @Test
  void aTextIsRepeated() throws IOException {
    Cli.Result result =
        experiment(
            "perplexity",
            "--ids",
            ids,
            "--cache",
            "4+28",
            "--repeat",
            "--max-tokens",
            "50000",
            "--window",
            "100",
            "--chunk",
            "1024");
    assertThat(result.code()).as(result.err()).isZero();
    assertThat(csv("summary.csv").get(1)[2]).isEqualTo("50000");
    assertThat(out.resolve("report.md"))
        .content()
        .contains("| 72, in part | 49,700 |")
        .contains("of the same text in its first pass")
        .contains("last / first");
    assertPicture("speed.png");
    assertPicture("memory.png");
  }

  @Test
  void sinksComparesModels() throws IOException {
    String model = EmbeddedModel.directory().toString();
    Cli.Result result =
        experiment("sinks", "-m", model, "-m", model, "--ids", ids, "--cache-size", "64");
    assertThat(result.code()).as(result.err()).isZero();
    List<String[]> rows = csv("summary.csv");
    assertThat(rows).hasSize(13);
    assertThat(rows.subList(1, 6).stream().map(row -> row[1]))
        .containsExactly("0+64", "1+63", "2+62", "4+60", "8+56");
    for (int i = 1; i <= 6; i++) {
      assertThat(rows.get(i)[0]).isNotEqualTo(rows.get(i + 6)[0]);
      assertThat(rows.get(i)[4]).isEqualTo(rows.get(i + 6)[4]);
    }
    assertThat(rows.get(6)[4]).as("line breaks in front").isNotEqualTo(rows.get(4)[4]);
    assertPicture("sinks.png");
  }

  @Test
  void cacheSizeComparesSizes() throws IOException {
    Cli.Result result = experiment("cache-size", "--ids", ids, "--sizes", "128,32,64");
    assertThat(result.code()).as(result.err()).isZero();
    assertThat(csv("summary.csv").stream().skip(1).map(row -> row[1]))
        .containsExactly("4+28", "4+60", "4+124");
    assertPicture("cache-size.png");
  }

  @Test
  void latencyComparesWithReComputation() throws IOException {
    Cli.Result result = experiment("latency", "--sizes", "16,32", "-r", "2");
    assertThat(result.code()).as(result.err()).isZero();
    List<String[]> rows = csv("latency.csv");
    assertThat(rows.stream().skip(1).map(row -> row[2]))
        .containsExactly("4+12", "recompute:16", "4+28", "recompute:32");
    assertThat(rows.stream().skip(1).mapToDouble(row -> Double.parseDouble(row[3])))
        .allMatch(milliseconds -> milliseconds > 0);
    assertPicture("latency.png");
    assertPicture("memory.png");
  }

  @Test
  void attentionMapHasANumberForEachHead() throws IOException {
    Cli.Result result =
        experiment("attention-map", "--ids", ids, "--samples", "3", "--length", "16");
    assertThat(result.code()).as(result.err()).isZero();
    List<String[]> rows = csv("heads.csv");
    assertThat(rows).hasSize(1 + 6 * 4);
    for (String[] row : rows.subList(1, rows.size())) {
      double first = Double.parseDouble(row[3]), rest = Double.parseDouble(row[4]);
      assertThat(first + rest).isBetween(0.9999, 1.0001);
      assertThat(Double.parseDouble(row[2])).isBetween(0.0, first);
    }
    assertPicture("heads.png");
    assertPicture("layer-05.png");
  }

  @Test
  void streamEvalRunsOnAModelThatCannotAnswer() throws IOException {
    Cli.Result result =
        experiment("streameval", "--cache", "4+508", "--distance", "10,20", "--max-tokens", "2000");
    assertThat(result.code()).as(result.err()).isZero();
    assertThat(csv("answers.csv").size()).isGreaterThan(4);
    assertThat(out.resolve("report.md")).content().contains("| 20 | about ");
    assertPicture("position.png");
    assertPicture("distance.png");
  }

  @Test
  void foldersThatHoldSomethingElse() throws IOException {
    Files.createDirectories(out);
    Files.writeString(out.resolve("thesis.md"), "");
    experiment("perplexity", "--ids", ids, "--cache", "4+60")
        .assertRefused("not empty; expected an empty or a new folder");
    experiment("perplexity", "--ids", ids, "--cache", "4+60", "--resume")
        .assertRefused("not empty; expected an empty or a new folder");
    out = out.resolve("thesis.md");
    experiment("perplexity", "--ids", ids, "--cache", "4+60").assertRefused("not a directory");
  }

  @Test
  void anotherRunIsNotResumed() throws IOException {
    experiment("perplexity", "--ids", ids, "--cache", "4+60", "--max-tokens", "100");
    experiment("perplexity", "--ids", ids, "--cache", "4+60", "--max-tokens", "100")
        .assertRefused("holds a run already");
    experiment("perplexity", "--ids", ids, "--cache", "4+60", "--max-tokens", "200", "--resume")
        .assertRefused("began with --max-tokens 100, and now it is 200");
    experiment(
            "perplexity",
            "--ids",
            ids,
            "--cache",
            "4+60",
            "--cache",
            "dense",
            "--max-tokens",
            "100",
            "--resume")
        .assertRefused("began with --cache 4+60, and now it is 4+60 dense");
    experiment("cache-size", "--ids", ids, "--max-tokens", "100", "--resume")
        .assertRefused("began with experiment perplexity, and now it is cache-size");
    Cli.writeIds(Path.of(ids), new Random(8).ints(TOKENS, 3, 4096).toArray());
    experiment("perplexity", "--ids", ids, "--cache", "4+60", "--max-tokens", "100", "--resume")
        .assertRefused("of another model or text");
    Files.writeString(out.resolve("run.json"), "{");
    experiment("perplexity", "--ids", ids, "--cache", "4+60", "--max-tokens", "100", "--resume")
        .assertRefused("run.json: damaged");
  }

  @Test
  void aFinishedRunIsReportedAgain() throws IOException {
    experiment(
        "perplexity", "--ids", ids, "--cache", "4+60", "--max-tokens", "100", "--window", "50");
    String report = Files.readString(out.resolve("report.md"));
    Files.delete(out.resolve("report.md"));
    Cli.Result again =
        experiment(
            "perplexity",
            "--ids",
            ids,
            "--cache",
            "4+60",
            "--max-tokens",
            "100",
            "--window",
            "50",
            "--resume",
            "--threads",
            "1");
    assertThat(again.code()).as(again.err()).isZero();
    assertThat(out.resolve("report.md"))
        .content()
        .isEqualTo(report.replaceAll("\\d+ threads", "1 threads"));
  }

  @Test
  void whatIsRefusedLeavesNoFolder() {
    Cli.run("experiment").assertRefused("no experiment; expected one of perplexity, sinks");
    experiment("perplexity", "--ids", ids).assertRefused("'--cache=POLICY'");
    experiment("perplexity", "--ids", ids, "--cache", "4+60", "--repeat")
        .assertRefused("--repeat without an end");
    experiment("sinks", "--ids", ids, "--cache-size", "8")
        .assertRefused("'8'; expected a whole number from 9");
    experiment("perplexity", "--ids", ids, "--cache", "4+60", "--max-tokens", "1")
        .assertRefused("expected at least 2");
    experiment("attention-map", "--ids", ids, "--max-tokens", "60")
        .assertRefused("at least --length 64");
    experiment("perplexity", "-m", "gone", "--ids", ids, "--cache", "4+60").assertRefused("gone");
    assertThat(out).doesNotExist();
  }
}
