package org.sinkstream.cli.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.text.Tokenizer;

/** The benchmark with a reader who misses nothing that is in the cache. */
final class StreamEvalTest {
  private static final Path TOKENIZER = Path.of("../../models/llama-mini/tokenizer.json");

  /**
   * Reads as a model with S sink tokens and a window of R would, and knows what those tokens say.
   */
  private static final class Oracle implements Answerer {
    private static final Pattern QUERY =
        Pattern.compile("Query: (The REGISTER_CONTENT in line \\d+ is)$");

    private final Tokenizer tokenizer;
    private final int sinks;
    private final int window;
    private final List<Integer> tokens = new ArrayList<>();

    Oracle(Tokenizer tokenizer, int sinks, int window) {
      this.tokenizer = tokenizer;
      this.sinks = sinks;
      this.window = window;
    }

    @Override
    public void read(String text) {
      Arrays.stream(tokenizer.encode(text, false)).forEach(tokens::add);
    }

    @Override
    public String complete() {
      int from = Math.max(Math.min(sinks, tokens.size()), tokens.size() - 1 - window);
      String seen =
          tokenizer.decode(tokens.subList(0, Math.min(sinks, from)))
              + "\n"
              + tokenizer.decode(tokens.subList(from, tokens.size()));
      String asked = QUERY.matcher(seen).results().findFirst().orElseThrow().group(1);
      String answer =
          Pattern.compile("(?<!Query: )" + asked + " <(\\d+)>")
              .matcher(seen)
              .results()
              .findFirst()
              .map((MatchResult found) -> " <" + found.group(1))
              .orElse(" I cannot see it");
      read(answer + "\n");
      return answer;
    }

    @Override
    public long position() {
      return tokens.size();
    }
  }

  private static double accuracy(int distance, int window) {
    try (Tokenizer tokenizer = Tokenizer.open(TOKENIZER)) {
      StreamEval eval =
          new StreamEval(new RegisterLines(11), 10, distance, new Oracle(tokenizer, 4, window), 0);
      int right = 0, queries = 40;
      for (int i = 0; i < queries; i++) {
        right += eval.step().right() ? 1 : 0;
      }
      return right / (double) queries;
    }
  }

  private static int tokens(int from, int to) {
    try (Tokenizer tokenizer = Tokenizer.open(TOKENIZER)) {
      StringBuilder text = new StringBuilder();
      for (int line = from; line < to; line++) {
        text.append(new RegisterLines(11).line(line));
      }
      return tokenizer.encode(text.toString(), false).length;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 20, 40})
  void everythingInsideTheCacheAndNothingOutside(int distance) {
    // Between a line and the question lie `distance` lines, and a query with its answer every ten.
    int enough = tokens(400, 401 + distance + 2 * (distance / 10 + 1));
    int tooFew = tokens(0, distance);
    assertThat(accuracy(distance, enough)).as("window %d", enough).isEqualTo(1);
    assertThat(accuracy(distance, tooFew)).as("window %d", tooFew).isZero();
  }

  @Test
  void queriesComeEveryTenLinesAboutOneTwentyBack() {
    List<String> read = new ArrayList<>();
    Answerer listener =
        new Answerer() {
          @Override
          public void read(String text) {
            read.addAll(text.lines().toList());
          }

          @Override
          public String complete() {
            return " <0";
          }

          @Override
          public long position() {
            return read.size();
          }
        };
    StreamEval eval = new StreamEval(new RegisterLines(1), 10, 20, listener, 0);
    assertThat(List.of(eval.step().line(), eval.step().line(), eval.step().line()))
        .containsExactly(0L, 10L, 20L);
    assertThat(read.get(0)).isEqualTo("Below is a record of lines I want you to remember.");
    assertThat(read.get(1)).matches("The REGISTER_CONTENT in line 0 is <\\d{1,5}>");
    assertThat(read.get(21)).startsWith("The REGISTER_CONTENT in line 20 is <");
    assertThat(read.get(22)).isEqualTo("Query: The REGISTER_CONTENT in line 0 is");
    assertThat(read.get(33)).isEqualTo("Query: The REGISTER_CONTENT in line 10 is");
    assertThat(read).hasSize(1 + 41 + 3);
  }

  @Test
  void numbersDependOnSeedAndLineAlone() {
    Set<Integer> numbers = new HashSet<>();
    for (int line = 0; line < 1000; line++) {
      int number = new RegisterLines(5).number(line);
      assertThat(number).isBetween(1, 50_000).isEqualTo(new RegisterLines(5).number(line));
      numbers.add(number);
    }
    assertThat(numbers.size()).isGreaterThan(950);
    assertThat(new RegisterLines(6).line(3)).isNotEqualTo(new RegisterLines(5).line(3));
  }

  @Test
  void anAnswerIsItsFirstNumber() {
    RegisterLines lines = new RegisterLines(5);
    int number = lines.number(3);
    assertThat(lines.isRight(3, " <" + number + ">")).isTrue();
    assertThat(lines.isRight(3, number + ".")).isTrue();
    assertThat(lines.isRight(3, " <" + number + "0>")).isFalse();
    assertThat(lines.isRight(3, " <7> or <" + number + ">")).isFalse();
    assertThat(lines.isRight(3, "")).isFalse();
  }
}
