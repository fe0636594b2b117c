package org.sinkstream.cli.experiment;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.sinkstream.CachePolicy;

/**
 * Whether a larger cache helps: perplexity with four sink tokens and caches of several sizes (the
 * paper's Table 6).
 *
 * @param source the model
 * @param text what is scored
 * @param sizes sink and recent tokens together, in the order in which they run
 * @param chunk tokens that are scored at a time
 */
public record CacheSizeExperiment(
    ModelSource source, ScoredText text, List<Integer> sizes, int chunk) implements Experiment {
  static final int SINKS = 4;

  @Override
  public void run(RunDirectory out, Monitor monitor) throws IOException, StoppedException {
    ModelScores scores =
        ModelScores.score(
            source,
            text,
            (model, tokens, count) -> Arm.of(policies(), tokens, count),
            chunk,
            out,
            monitor);
    report(scores, out);
  }

  private List<CachePolicy> policies() {
    return sizes.stream().map(size -> CachePolicy.streaming(SINKS, size - SINKS)).toList();
  }

  private void report(ModelScores scores, RunDirectory out) throws IOException {
    int trained = scores.info().trainedContext();
    Report report =
        new Report(out, "Cache size and perplexity of " + source.label())
            .model(source.name(), scores.info());
    List<List<String>> rows = new ArrayList<>();
    List<double[]> points = new ArrayList<>();
    for (int i = 0; i < sizes.size(); i++) {
      ScoredArm arm = scores.arms().get(i);
      rows.add(
          List.of(
              arm.arm().label(),
              Format.perplexity(arm.perplexity()),
              Format.decimals(arm.mean(), 6),
              Format.count(arm.end().cacheBytes()),
              Format.decimals(arm.tokensPerSecond(), 1),
              sizes.get(i) <= trained ? "inside" : "beyond"));
      points.add(new double[] {sizes.get(i), arm.perplexity()});
    }
    report.table(
        List.of(
            "cache", "perplexity", "mean NLL, nats", "cache bytes", "tokens/s", "trained context"),
        rows);
    ScoreTable.remarks(report, List.of(scores));
    report.picture(
        "cache-size.png",
        "Perplexity against cache size",
        new LineChart(
                "%s: perplexity against cache size".formatted(source.label()),
                "cache size, tokens (%d of them sink tokens), log scale".formatted(SINKS),
                "perplexity, log scale")
            .powersOfTwo()
            .logY()
            .line(source.label(), points, true)
            .mark(trained, "trained context: " + Format.count(trained)));
    report.csv("summary.csv", "the table", ScoreTable.csv(List.of(scores)));
    report.finish();
  }
}
