package org.sinkstream.cli.experiment;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.sinkstream.CachePolicy;

/**
 * Several policies over the same text: perplexity against position (the paper's Figures 3 and 5),
 * and what each of them took.
 *
 * @param source the model
 * @param text what is scored
 * @param policies in the order in which they run
 * @param window tokens of the moving perplexity
 * @param chunk tokens that are scored at a time
 */
public record PerplexityExperiment(
    ModelSource source, ScoredText text, List<CachePolicy> policies, int window, int chunk)
    implements Experiment {
  private static final int POINTS = 300;

  @Override
  public void run(RunDirectory out, Monitor monitor) throws IOException, StoppedException {
    ModelScores scores =
        ModelScores.score(
            source,
            text,
            (model, tokens, count) -> Arm.of(policies, tokens, count),
            chunk,
            out,
            monitor);
    report(scores, out);
  }

  private void report(ModelScores scores, RunDirectory out) throws IOException {
    long tokens = scores.arms().stream().mapToLong(arm -> arm.end().tokens()).max().orElseThrow();
    Report report =
        new Report(
                out,
                "Perplexity of %s over %s tokens".formatted(source.label(), Format.count(tokens)))
            .model(source.name(), scores.info());
    List<List<String>> rows = new ArrayList<>();
    for (ScoredArm arm : scores.arms()) {
      Usage end = arm.end();
      rows.add(
          List.of(
              arm.arm().label(),
              Format.perplexity(arm.perplexity()),
              Format.decimals(arm.mean(), 6),
              Format.perplexity(arm.lastPerplexity(window)),
              Format.count(end.tokens()),
              Format.count(end.cacheBytes()),
              Format.decimals(arm.tokensPerSecond(), 1)));
    }
    report.table(
        List.of(
            "policy",
            "perplexity",
            "mean NLL, nats",
            "perplexity of the last %s tokens".formatted(Format.count(window)),
            "tokens",
            "cache bytes",
            "tokens/s"),
        rows);
    ScoreTable.remarks(report, List.of(scores));
    agreementWithDense(scores, report);
    curves(scores, tokens, report);
    new SteadyState(scores, window).addTo(report);
    report.csv("summary.csv", "the table", ScoreTable.csv(List.of(scores)));
    report.finish();
  }

  /** Until a cache is full, its policy keeps everything, as dense does. */
  private static void agreementWithDense(ModelScores scores, Report report) throws IOException {
    for (ScoredArm dense : scores.arms()) {
      if (!(dense.arm().policy() instanceof CachePolicy.Dense)) {
        continue;
      }
      for (ScoredArm arm : scores.arms()) {
        if (arm.arm().policy() instanceof CachePolicy.Streaming(long sinks, long window)) {
          double[] ours = arm.first(sinks + window);
          double[] theirs = dense.first(sinks + window);
          int common = Math.min(ours.length, theirs.length);
          double sum = 0, most = 0;
          for (int i = 0; i < common; i++) {
            sum += ours[i] - theirs[i];
            most = Math.max(most, Math.abs(ours[i] - theirs[i]));
          }
          report.paragraph(
              "Until its cache is full, for %s predictions, %s is dense, up to rounding: the mean NLL differs by %.1e nats, that of one token by at most %.1e."
                  .formatted(Format.count(common), arm.arm().label(), sum / common, most));
        }
      }
    }
  }

  private void curves(ModelScores scores, long tokens, Report report) throws IOException {
    LineChart cumulative =
        new LineChart(
                "%s: perplexity of all tokens so far".formatted(source.label()),
                "position in the text, tokens",
                "perplexity, log scale")
            .logY();
    LineChart moving =
        new LineChart(
                "%s: perplexity of the last %s tokens"
                    .formatted(source.label(), Format.count(window)),
                "position in the text, tokens",
                "perplexity, log scale")
            .logY();
    StringBuilder csv =
        new StringBuilder(
            Csv.line("policy", "tokens", "cumulative_perplexity", "moving_perplexity"));
    for (ScoredArm arm : scores.arms()) {
      List<ScoredArm.Point> points = arm.curve(Math.max(1, tokens / POINTS), window);
      cumulative.line(
          arm.arm().label(),
          points.stream()
              .filter(point -> point.tokens() > tokens / 100) // the first few are noise
              .map(point -> new double[] {point.tokens(), point.cumulative()})
              .toList(),
          false);
      moving.line(
          arm.arm().label(),
          points.stream().map(point -> new double[] {point.tokens(), point.moving()}).toList(),
          false);
      points.forEach(point ->
          csv.append(
              Csv.line(arm.arm().label(), point.tokens(), point.cumulative(), point.moving())));
    }
    int trained = scores.info().trainedContext();
    String mark = "trained context: %s".formatted(Format.count(trained));
    report.picture(
        "cumulative.png", "Perplexity of all tokens so far", cumulative.mark(trained, mark));
    if (moving.hasLines()) {
      report.picture(
          "moving.png",
          "Perplexity of the last %s tokens".formatted(Format.count(window)),
          moving.mark(trained, mark));
    }
    report.csv("perplexity.csv", "perplexity against position", csv.toString());
  }
}
