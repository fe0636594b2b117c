package org.sinkstream.cli.experiment;

import java.io.IOException;
import java.util.List;

/** What reports say of scored streams, whatever they compare. */
final class ScoreTable {
  private ScoreTable() {}

  /** All that is known of each stream, as comma-separated values. */
  static String csv(List<ModelScores> all) throws IOException {
    StringBuilder csv =
        new StringBuilder(
            Csv.line(
                "model",
                "cache",
                "tokens",
                "predicted",
                "nll_mean",
                "perplexity",
                "not_finite",
                "cache_bytes",
                "seconds",
                "tokens_per_second",
                "ended"));
    for (ModelScores scores : all) {
      for (ScoredArm arm : scores.arms()) {
        Usage end = arm.end();
        csv.append(
            Csv.line(
                scores.source().label(),
                arm.arm().label(),
                end.tokens(),
                end.predicted(),
                arm.mean(),
                arm.perplexity(),
                arm.notFinite(),
                end.cacheBytes(),
                end.seconds(),
                arm.tokensPerSecond(),
                arm.ended()));
      }
    }
    return csv.toString();
  }

  /** Adds what a reader of the figures must know: what ended early, what is no finite number. */
  static void remarks(Report report, List<ModelScores> all) throws IOException {
    boolean finite = true;
    for (ModelScores scores : all) {
      for (ScoredArm arm : scores.arms()) {
        String name = scores.source().label() + " under " + arm.arm().label();
        if (!arm.ended().isEmpty()) {
          report.paragraph(
              "%s ended after %s tokens: %s"
                  .formatted(name, Format.count(arm.end().tokens()), arm.ended()));
        }
        long notFinite = arm.notFinite();
        if (notFinite > 0) {
          finite = false;
          report.paragraph(
              "%s: %s losses are no finite number.".formatted(name, Format.count(notFinite)));
        }
      }
    }
    if (finite) {
      report.paragraph("Every loss is a finite number.");
    }
  }
}
