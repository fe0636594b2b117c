package org.sinkstream.cli.experiment;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.sinkstream.CachePolicy;
import org.sinkstream.Model;

/**
 * How many sink tokens it takes: perplexity with 0, 1, 2, 4 and 8 of them in a cache of one size
 * (the paper's Table 2), with line breaks in the place of the first four tokens (Table 1), and all
 * of that for several models (Table 3).
 *
 * @param models one or more, run one after the other
 * @param text what is scored
 * @param cacheSize sink and recent tokens together, C; 0 for {@link #fitting}
 * @param chunk tokens that are scored at a time
 */
public record SinksExperiment(List<ModelSource> models, ScoredText text, int cacheSize, int chunk)
    implements Experiment {
  private static final int[] SINKS = {0, 1, 2, 4, 8};
  private static final int REPLACED = 4;

  /** The smallest cache that holds all sink tokens and one recent one. */
  public static final int LEAST_SIZE = 9;

  /** Half the trained context, so that what is seen was seen in training; at most 2,048. */
  private static int fitting(Model model) {
    return Math.clamp(model.info().trainedContext() / 2, LEAST_SIZE, 2048);
  }

  @Override
  public void run(RunDirectory out, Monitor monitor) throws IOException, StoppedException {
    List<ModelScores> all = new ArrayList<>();
    for (ModelSource source : models) {
      all.add(ModelScores.score(source, text, this::arms, chunk, out, monitor));
    }
    report(all, out);
  }

  private List<Arm> arms(Model model, int[] tokens, long count) {
    int size = cacheSize == 0 ? fitting(model) : cacheSize;
    List<Arm> arms = new ArrayList<>();
    for (int sinks : SINKS) {
      CachePolicy policy = CachePolicy.streaming(sinks, size - sinks);
      arms.add(new Arm(policy.toString(), policy, tokens, count));
    }
    int[] replaced = tokens.clone();
    Arrays.fill(replaced, 0, Math.min(REPLACED, tokens.length), lineBreak(model));
    arms.add(
        new Arm(
            "%d\"\\n\"+%d".formatted(REPLACED, size - REPLACED),
            CachePolicy.streaming(REPLACED, size - REPLACED),
            replaced,
            count));
    return arms;
  }

  /** A tokenizer may put a mark of its own before a line break. */
  private static int lineBreak(Model model) {
    int[] ids = model.tokenizer().encode("\n", false);
    return ids[ids.length - 1];
  }

  private void report(List<ModelScores> all, RunDirectory out) throws IOException {
    Report report = new Report(out, "How many sink tokens it takes");
    for (ModelScores scores : all) {
      report.model(scores.source().name(), scores.info());
    }
    report.paragraph(
        "Perplexity over %s tokens. S+R keeps S sink tokens and R recent ones; with \"\\n\" the first %d tokens of the text are line breaks."
            .formatted(Format.count(all.getFirst().arms().getFirst().end().tokens()), REPLACED));
    List<String> head = new ArrayList<>(List.of("sink tokens"));
    List<List<String>> rows = new ArrayList<>();
    for (int i = 0; i <= SINKS.length; i++) {
      rows.add(
          new ArrayList<>(
              List.of(i < SINKS.length ? Integer.toString(SINKS[i]) : REPLACED + " line breaks")));
    }
    LineChart chart =
        new LineChart("Perplexity against sink tokens", "sink tokens", "perplexity, log scale")
            .logY();
    for (ModelScores scores : all) {
      String label = scores.source().label();
      head.add(label + ", cache");
      head.add("perplexity");
      List<double[]> points = new ArrayList<>();
      for (int i = 0; i <= SINKS.length; i++) {
        ScoredArm arm = scores.arms().get(i);
        rows.get(i).add(arm.arm().label());
        rows.get(i).add(Format.perplexity(arm.perplexity()));
        if (i < SINKS.length) {
          points.add(new double[] {SINKS[i], arm.perplexity()});
        }
      }
      chart.line(label, points, true);
      chart.line(
          label + ", line breaks",
          List.of(new double[] {REPLACED, scores.arms().getLast().perplexity()}),
          true);
    }
    report.table(head, rows);
    ScoreTable.remarks(report, all);
    report.picture("sinks.png", "Perplexity against sink tokens", chart);
    report.csv("summary.csv", "all streams", ScoreTable.csv(all));
    report.finish();
  }
}
