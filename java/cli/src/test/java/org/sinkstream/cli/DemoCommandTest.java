package org.sinkstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

final class DemoCommandTest {
  private static final Pattern SUMMARY =
      Pattern.compile(
          "(\\d+) tokens; first (\\d+) at ([\\d.]+) tok/s, last (\\d+) at ([\\d.]+) tok/s; cache"
              + " (\\d+) bytes at the start, (\\d+) at the end; resident memory (.+) at the start,"
              + " (.+) at the end");

  @Test
  void endsWithOneLineOfFigures() {
    Cli.Result result = Cli.run("demo", "--tokens", "90", "--seed", "5", "--cache", "4+28");
    assertThat(result.code()).isZero();
    assertThat(result.err()).isEmpty();
    Matcher figures = SUMMARY.matcher(result.out().lines().toList().getLast());
    assertThat(figures.matches()).isTrue();
    assertThat(figures.group(1)).isEqualTo("90");
    assertThat(figures.group(2)).isEqualTo("45").isEqualTo(figures.group(4));
    assertThat(Double.parseDouble(figures.group(3))).isPositive();
    assertThat(Double.parseDouble(figures.group(5))).isPositive();
    assertThat(figures.group(7)).isEqualTo(figures.group(6));
    assertThat(text(Cli.run("demo", "--tokens", "90", "--seed", "5", "--cache", "4+28")))
        .isEqualTo(text(result))
        .isNotEqualTo(text(Cli.run("demo", "--tokens", "90", "--seed", "6", "--cache", "4+28")));
  }

  private static String text(Cli.Result result) {
    return result.out().substring(0, result.out().stripTrailing().lastIndexOf('\n'));
  }
}
