package org.sinkstream.cli.experiment;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.sinkstream.CachePolicy;
import org.sinkstream.Model;
import org.sinkstream.ModelInfo;
import org.sinkstream.Session;

/**
 * Whether a model still uses what its cache holds, far into a stream: the benchmark StreamEval as
 * the paper describes it (section 4.4), with its Table 7's distances.
 *
 * @param source the model
 * @param policies in the order in which they run
 * @param distances how many lines back queries ask, a stream for each
 * @param every lines between queries
 * @param seed of the lines
 * @param maxTokens tokens of a stream
 */
public record StreamEvalExperiment(
    ModelSource source,
    List<CachePolicy> policies,
    List<Integer> distances,
    int every,
    long seed,
    long maxTokens)
    implements Experiment {
  private static final String HEADER = "line,position,right,given\n";
  private static final int BINS = 20;

  /** One stream and its answers. */
  private record Stream(CachePolicy policy, int distance, List<String[]> answers) {
    double accuracy(long from, long to) {
      return answers.stream()
          .filter(row -> position(row) >= from && position(row) < to)
          .mapToInt(row -> Boolean.parseBoolean(row[2]) ? 1 : 0)
          .average()
          .orElse(Double.NaN);
    }

    double accuracy() {
      return accuracy(0, Long.MAX_VALUE);
    }

    private static long position(String[] row) {
      return Long.parseLong(row[1]);
    }
  }

  @Override
  public void run(RunDirectory out, Monitor monitor) throws IOException, StoppedException {
    try (Model model = source.open()) {
      List<Stream> streams = new ArrayList<>();
      for (CachePolicy policy : policies) {
        for (int distance : distances) {
          monitor.checkStop();
          String name = "%s-%d".formatted(policy, distance).replaceAll("[^A-Za-z0-9+.-]+", "_");
          Path part = out.part("%02d-%s".formatted(streams.size(), name));
          streams.add(ask(model, policy, distance, part, monitor));
        }
      }
      report(model, streams, out);
    }
  }

  private Stream ask(Model model, CachePolicy policy, int distance, Path part, Monitor monitor)
      throws IOException, StoppedException {
    Path file = part.resolve("answers.csv"), done = part.resolve("done.txt");
    if (!Files.exists(done)) {
      Snapshots snapshots = new Snapshots(part);
      long next = snapshots.newest().orElse(0);
      String task = "%s, %d lines back".formatted(policy, distance);
      try (CsvLog log = new CsvLog(file, HEADER, row -> Long.parseLong(row[0]) + distance < next);
          Session session =
              next == 0 ? model.newSession(policy) : snapshots.restore(model, policy, next);
          Monitor.Task progress = monitor.start(task, maxTokens, session.position(), "tokens")) {
        StreamEval eval =
            new StreamEval(
                new RegisterLines(seed), every, distance, new ModelAnswerer(session), next);
        while (session.position() < maxTokens) {
          long before = session.position();
          StreamEval.Answer answer = eval.step();
          log.append(answer.line(), answer.position(), answer.right(), words(answer.given()));
          progress.advance(session.position() - before);
          if (monitor.stopRequested() || snapshots.due()) {
            snapshots.save(session, eval.next());
            monitor.checkStop();
          }
        }
      }
      RunDirectory.write(done, new byte[0]);
      snapshots.clear();
    }
    return new Stream(policy, distance, CsvLog.rows(file));
  }

  /** An answer without what would break a line of the table. */
  private static String words(String given) {
    return given.replaceAll("[,\"\\s]+", " ").strip();
  }

  private void report(Model model, List<Stream> streams, RunDirectory out) throws IOException {
    ModelInfo info = model.info();
    double lineTokens = lineTokens(model);
    Report report =
        new Report(out, "StreamEval on " + source.label())
            .model(source.name(), info)
            .paragraph(
                ("Lines of %s tokens each with a number (seed %d); every %d lines a query about one that"
                        + " is some lines back, over %s tokens. An answer is right if its first number is"
                        + " the line's.")
                    .formatted(
                        Format.decimals(lineTokens, 1), seed, every, Format.count(maxTokens)));
    List<String> head = new ArrayList<>(List.of("lines back", "tokens back", "queries"));
    policies.forEach(policy -> head.add("accuracy, " + policy));
    List<List<String>> rows = new ArrayList<>();
    for (int distance : distances) {
      List<Stream> same = streams.stream().filter(s -> s.distance == distance).toList();
      List<String> row = new ArrayList<>();
      row.add(Integer.toString(distance));
      row.add("about " + Format.count(Math.round(distance * lineTokens)));
      row.add(Format.count(same.getFirst().answers.size()));
      same.forEach(stream -> row.add(Format.percent(stream.accuracy())));
      rows.add(row);
    }
    report.table(head, rows);
    byPosition(info, streams, report);
    byDistance(streams, lineTokens, report);
    report.csv("answers.csv", "all queries", csv(streams));
    report.finish();
  }

  private double lineTokens(Model model) {
    int lines = 200;
    StringBuilder text = new StringBuilder();
    for (int line = 0; line < lines; line++) {
      text.append(new RegisterLines(seed).line(line));
    }
    return model.tokenizer().encode(text.toString(), false).length / (double) lines;
  }

  private void byPosition(ModelInfo info, List<Stream> streams, Report report) throws IOException {
    LineChart chart =
        new LineChart(
                "%s: StreamEval accuracy against position".formatted(source.label()),
                "position in the stream, tokens",
                "accuracy, percent")
            .range(0, 100);
    long bin = Math.max(1, maxTokens / BINS);
    for (Stream stream : streams) {
      List<double[]> points = new ArrayList<>();
      for (long from = 0; from < maxTokens; from += bin) {
        points.add(new double[] {from + bin / 2.0, 100 * stream.accuracy(from, from + bin)});
      }
      chart.line("%s, %d lines back".formatted(stream.policy, stream.distance), points, true);
    }
    report.picture(
        "position.png",
        "Accuracy against position",
        chart.mark(
            info.trainedContext(), "trained context: " + Format.count(info.trainedContext())));
  }

  private void byDistance(List<Stream> streams, double lineTokens, Report report)
      throws IOException {
    if (distances.size() < 2) {
      return;
    }
    LineChart chart =
        new LineChart(
                "%s: StreamEval accuracy against distance".formatted(source.label()),
                "distance of query and answer, lines of %s tokens"
                    .formatted(Format.decimals(lineTokens, 1)),
                "accuracy, percent")
            .range(0, 100);
    for (CachePolicy policy : policies) {
      chart.line(
          policy.toString(),
          streams.stream()
              .filter(stream -> stream.policy.equals(policy))
              .map(stream -> new double[] {stream.distance, 100 * stream.accuracy()})
              .toList(),
          true);
      if (policy instanceof CachePolicy.Streaming(long sinks, long window)) {
        chart.mark((sinks + window) / lineTokens, "cache of " + policy);
      }
    }
    report.picture("distance.png", "Accuracy against distance", chart);
  }

  private static String csv(List<Stream> streams) {
    StringBuilder csv = new StringBuilder("cache,distance," + HEADER);
    for (Stream stream : streams) {
      for (String[] row : stream.answers) {
        csv.append(String.format(Locale.ROOT, "%s,%d,", stream.policy, stream.distance))
            .append(Csv.line((Object[]) row));
      }
    }
    return csv.toString();
  }
}
