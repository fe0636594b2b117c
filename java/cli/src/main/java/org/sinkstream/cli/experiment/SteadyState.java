package org.sinkstream.cli.experiment;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.LongSummaryStatistics;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/** Whether speed, memory and losses stay what they were, as a stream goes on. */
final class SteadyState {
  /** A stream of fewer tokens says nothing about an endless one. */
  private static final long LEAST_TOKENS = 50_000;

  private final ModelScores scores;
  private final int window;

  /**
   * Looks at some streams.
   *
   * @param window tokens of the moving perplexity
   */
  SteadyState(ModelScores scores, int window) {
    this.scores = scores;
    this.window = window;
  }

  /** Adds what there is to say. */
  void addTo(Report report) throws IOException {
    StringBuilder csv = new StringBuilder("policy," + Usage.HEADER + "\n");
    for (ScoredArm arm : scores.arms()) {
      for (Usage usage : arm.usage()) {
        csv.append(arm.arm().label()).append(',').append(Csv.line(usage.row()));
      }
    }
    List<ScoredArm> longOnes =
        scores.arms().stream().filter(arm -> arm.end().tokens() >= LEAST_TOKENS).toList();
    if (!longOnes.isEmpty()) {
      report.heading("As the stream goes on");
      memory(report, longOnes);
      speed(report, longOnes);
      for (ScoredArm arm : longOnes) {
        passes(report, arm);
      }
    }
    report.csv("usage.csv", "time and memory against position", csv.toString());
  }

  private void memory(Report report, List<ScoredArm> arms) throws IOException {
    List<List<String>> rows = new ArrayList<>();
    LineChart chart =
        new LineChart(
                scores.source().label() + ": memory as the stream goes on",
                "position in the text, tokens",
                "MiB")
            .fromZero();
    for (ScoredArm arm : arms) {
      String name = arm.arm().label();
      rows.add(row(name + ", native allocations", arm, Usage::nativeBytes));
      rows.add(row(name + ", resident memory", arm, Usage::residentBytes));
      chart.line(
          name + ", native allocations",
          points(arm, u -> u.nativeBytes() / (double) (1 << 20)),
          false);
      chart.line(
          name + ", resident memory",
          points(arm, u -> u.residentBytes() / (double) (1 << 20)),
          false);
    }
    report
        .paragraph("Memory after the first tenth of the stream, which warms up:")
        .table(List.of("", "least, bytes", "most, bytes", "difference"), rows)
        .picture("memory.png", "Memory as the stream goes on", chart);
  }

  private static List<String> row(String name, ScoredArm arm, ToLongFunction<Usage> bytes) {
    LongSummaryStatistics range =
        arm.usage().stream()
            .filter(usage -> usage.tokens() * 10 >= arm.end().tokens())
            .mapToLong(bytes)
            .summaryStatistics();
    long difference = range.getMax() - range.getMin();
    return List.of(
        name,
        Format.count(range.getMin()),
        Format.count(range.getMax()),
        difference == 0 ? "0" : Format.bytes(difference));
  }

  private static List<double[]> points(ScoredArm arm, ToDoubleFunction<Usage> value) {
    return arm.usage().stream()
        .map(usage -> new double[] {usage.tokens(), value.applyAsDouble(usage)})
        .toList();
  }

  private void speed(Report report, List<ScoredArm> arms) throws IOException {
    List<List<String>> rows = new ArrayList<>();
    LineChart chart =
        new LineChart(
                scores.source().label() + ": speed as the stream goes on",
                "position in the text, tokens",
                "tokens per second of processor time")
            .fromZero();
    for (ScoredArm arm : arms) {
      String name = arm.arm().label();
      rows.add(speedRow(name + ", by the clock", arm, Usage::seconds));
      rows.add(speedRow(name + ", by processor time of all threads", arm, Usage::cpuSeconds));
      chart.line(name, rates(arm), false);
    }
    report
        .paragraph(
            "Tokens per second. What the clock says depends on what else the machine did meanwhile;"
                + " processor time less so.")
        .table(List.of("", "first tenth", "last tenth", "last / first"), rows)
        .picture("speed.png", "Speed as the stream goes on", chart);
  }

  private static List<String> speedRow(
      String name, ScoredArm arm, ToDoubleFunction<Usage> seconds) {
    long end = arm.end().tokens();
    double first = rate(Usage.NONE, at(arm, end / 10), seconds);
    double last = rate(at(arm, end - end / 10), arm.end(), seconds);
    return List.of(
        name,
        Format.decimals(first, 1),
        Format.decimals(last, 1),
        Format.decimals(last / first, 3));
  }

  /** The first usage at or after so many tokens. */
  private static Usage at(ScoredArm arm, long tokens) {
    return arm.usage().stream().filter(u -> u.tokens() >= tokens).findFirst().orElse(arm.end());
  }

  private static double rate(Usage from, Usage to, ToDoubleFunction<Usage> seconds) {
    return (to.tokens() - from.tokens())
        / (seconds.applyAsDouble(to) - seconds.applyAsDouble(from));
  }

  private static List<double[]> rates(ScoredArm arm) {
    List<double[]> points = new ArrayList<>();
    Usage before = Usage.NONE;
    for (Usage usage : arm.usage()) {
      points.add(new double[] {usage.tokens(), rate(before, usage, Usage::cpuSeconds)});
      before = usage;
    }
    return points;
  }

  /** Where the text was repeated: the same text again and again. */
  private void passes(Report report, ScoredArm arm) throws IOException {
    long text = arm.arm().text().length;
    long end = arm.end().tokens();
    if (end <= text) {
      return;
    }
    List<List<String>> rows = new ArrayList<>();
    for (long pass = 0; pass * text < end; pass++) {
      long from = pass * text, to = Math.min(end, from + text);
      rows.add(
          List.of(
              Format.count(pass + 1) + (to - from < text ? ", in part" : ""),
              Format.count(from),
              Format.perplexity(Math.exp(mean(arm, from, to)))));
    }
    report
        .paragraph(
            "The text has %s tokens and was repeated. Perplexity of %s in each pass:"
                .formatted(Format.count(text), arm.arm().label()))
        .table(List.of("pass", "from token", "perplexity"), rows);
    if (window < text) {
      double last = Math.exp(mean(arm, end - window, end));
      double first = Math.exp(firstPassMean(arm, (end - window) % text, window));
      report.paragraph(
          "Perplexity of the last %s tokens: %s; of the same text in its first pass: %s; difference %s."
              .formatted(
                  Format.count(window),
                  Format.perplexity(last),
                  Format.perplexity(first),
                  Format.percent(last / first - 1)));
    }
  }

  /** Mean loss of the tokens [from, to); what was not predicted counts for nothing. */
  private static double mean(ScoredArm arm, long from, long to) throws IOException {
    long unpredicted = arm.end().tokens() - arm.predicted();
    return arm.mean(Math.max(0, from - unpredicted), to - unpredicted);
  }

  /** Mean loss in the first pass of so many tokens from an offset on, around the text's end. */
  private static double firstPassMean(ScoredArm arm, long offset, long count) throws IOException {
    long text = arm.arm().text().length;
    long tail = Math.min(count, text - offset), head = count - tail;
    double sum = mean(arm, offset, offset + tail) * tail;
    return head == 0 ? sum / count : (sum + mean(arm, 0, head) * head) / count;
  }
}
