package org.sinkstream.cli.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import org.sinkstream.CachePolicy;
import org.sinkstream.Model;
import org.sinkstream.ModelInfo;
import org.sinkstream.NativeInfo;
import org.sinkstream.Session;
import org.sinkstream.cli.measure.BenchResult;
import org.sinkstream.cli.measure.BenchStream;
import org.sinkstream.cli.measure.BenchTest;
import org.sinkstream.error.DeviceMemoryException;

/**
 * What a decoded token costs, and what memory it takes, against the size of the cache: sink tokens
 * and a window against the sliding window with re-computation (the paper's Figure 10). Tokens are
 * random.
 *
 * @param source the model
 * @param sizes cache sizes, smallest first
 * @param repetitions most repetitions of a measurement
 * @param chunk tokens that go through the layers together
 */
public record LatencyExperiment(ModelSource source, List<Integer> sizes, int repetitions, int chunk)
    implements Experiment {
  private static final String HEADER =
      "method,cache_size,policy,milliseconds,least,most,repetitions,tokens,cache_bytes,session_bytes\n";
  private static final int TOKENS = 16;

  /** Slow measurements are repeated less often; they vary less, too. */
  private static final double ENOUGH_SECONDS = 20;

  private static final String STREAMING = "sinks + window";
  private static final String RECOMPUTATION = "re-computation";
  private static final List<String> METHODS = List.of(STREAMING, RECOMPUTATION);
  private static final String ACROSS = "cache size, tokens, log scale";

  private record Row(
      String policy,
      double milliseconds,
      double least,
      double most,
      int repetitions,
      int tokens,
      long cacheBytes,
      long sessionBytes) {
    static Row parse(String[] f) {
      return new Row(
          f[2],
          Double.parseDouble(f[3]),
          Double.parseDouble(f[4]),
          Double.parseDouble(f[5]),
          Integer.parseInt(f[6]),
          Integer.parseInt(f[7]),
          Long.parseLong(f[8]),
          Long.parseLong(f[9]));
    }
  }

  @Override
  public void run(RunDirectory out, Monitor monitor) throws IOException, StoppedException {
    try (Model model = source.open()) {
      Path file = out.part("latency").resolve("measured.csv");
      try (CsvLog log = new CsvLog(file, HEADER, row -> true)) {
        measure(model, log, monitor);
        report(model.info(), log, out);
      }
    }
  }

  private void measure(Model model, CsvLog log, Monitor monitor)
      throws IOException, StoppedException {
    List<String> done = log.rows().stream().map(row -> row[0] + row[1]).toList();
    // A re-computation goes through as many tokens as its window holds, and so does a full cache.
    long total = sizes.stream().mapToLong(size -> 2L * size).sum();
    try (Monitor.Task task = monitor.start("latency", total, 0, "tokens of cache")) {
      for (int size : sizes) {
        for (String method : METHODS) {
          monitor.checkStop();
          if (!done.contains(method + size)) {
            Row row = measure(model, method, size);
            log.append(
                method,
                size,
                row.policy,
                row.milliseconds,
                row.least,
                row.most,
                row.repetitions,
                row.tokens,
                row.cacheBytes,
                row.sessionBytes);
            monitor.tell(
                "%s, cache of %d: %s ms a token"
                    .formatted(method, size, Format.decimals(row.milliseconds, 3)));
          }
          task.advance(size);
        }
      }
    }
  }

  private Row measure(Model model, String method, int size) {
    CachePolicy policy =
        method.equals(STREAMING)
            ? CachePolicy.streaming(CacheSizeExperiment.SINKS, size - CacheSizeExperiment.SINKS)
            : CachePolicy.recompute(size);
    BenchTest test =
        new BenchTest(BenchTest.Kind.GENERATION, method.equals(STREAMING) ? TOKENS : 1, size);
    long before = NativeInfo.allocatedBytes();
    try (Session session = model.newSession(policy)) {
      BenchStream stream = new BenchStream(session);
      stream.moveTo(size);
      double warmUp = stream.run(test) / 1e9;
      List<Double> all = new ArrayList<>();
      double spent = 0;
      while (all.size() < repetitions && (all.isEmpty() || spent + warmUp < ENOUGH_SECONDS)) {
        double seconds = stream.run(test) / 1e9;
        spent += seconds;
        all.add(seconds * 1e3 / test.tokens());
      }
      double[] each = all.stream().mapToDouble(Double::doubleValue).sorted().toArray();
      return new Row(
          policy.toString(),
          BenchResult.median(each),
          each[0],
          each[each.length - 1],
          each.length,
          test.tokens(),
          session.cacheBytes(),
          NativeInfo.allocatedBytes() - before);
    } catch (DeviceMemoryException full) {
      return new Row(policy.toString(), Double.NaN, Double.NaN, Double.NaN, 0, 0, 0, 0);
    }
  }

  private void report(ModelInfo info, CsvLog log, RunDirectory out) throws IOException {
    Map<String, Row> rows = new HashMap<>();
    StringBuilder csv = new StringBuilder(HEADER);
    for (String[] row : log.rows()) {
      rows.put(row[0] + row[1], Row.parse(row));
      csv.append(Csv.line((Object[]) row));
    }
    new Report(out, "Latency of " + source.label())
        .model(source.name(), info)
        .paragraph(
            ("Milliseconds for a decoded token: the median of the repetitions (of %d tokens each for"
                    + " %s, of one for %s), after one that warms up; where they took longer than %s"
                    + " seconds in all there were fewer. In brackets the range. Memory is what a"
                    + " session holds: cache and activations.")
                .formatted(TOKENS, STREAMING, RECOMPUTATION, Format.decimals(ENOUGH_SECONDS, 0)))
        .table(
            List.of(
                "cache size",
                "policy",
                "ms/token",
                "policy",
                "ms/token",
                "ratio",
                "memory, " + STREAMING,
                "memory, " + RECOMPUTATION),
            sizes.stream().map(size -> cells(rows, size)).toList())
        .picture("latency.png", "Milliseconds for a decoded token", times(info, rows))
        .picture("memory.png", "Memory of a session", memory(info, rows))
        .csv("latency.csv", "all measurements", csv.toString())
        .finish();
  }

  private static List<String> cells(Map<String, Row> rows, int size) {
    Row ours = row(rows, STREAMING, size);
    Row theirs = row(rows, RECOMPUTATION, size);
    return List.of(
        Format.count(size),
        ours.policy,
        time(ours),
        theirs.policy,
        time(theirs),
        ratio(rows, size) + "x",
        Format.bytes(ours.sessionBytes),
        Format.bytes(theirs.sessionBytes));
  }

  private LineChart times(ModelInfo info, Map<String, Row> rows) {
    int most = sizes.getLast();
    LineChart chart =
        new LineChart(
                "%s: re-computation takes %sx as long at %s"
                    .formatted(source.label(), ratio(rows, most), Format.count(most)),
                ACROSS,
                "milliseconds for a decoded token, log scale")
            .powersOfTwo()
            .logY();
    return lines(chart, info, rows, Row::milliseconds);
  }

  private LineChart memory(ModelInfo info, Map<String, Row> rows) {
    LineChart chart =
        new LineChart(source.label() + ": memory of a session", ACROSS, "MiB")
            .powersOfTwo()
            .fromZero();
    return lines(chart, info, rows, row -> row.sessionBytes / (double) (1 << 20));
  }

  private LineChart lines(
      LineChart chart, ModelInfo info, Map<String, Row> rows, ToDoubleFunction<Row> value) {
    for (String method : METHODS) {
      chart.line(
          method,
          sizes.stream()
              .map(size -> new double[] {size, value.applyAsDouble(row(rows, method, size))})
              .toList(),
          true);
    }
    return chart.mark(
        info.trainedContext(), "trained context: " + Format.count(info.trainedContext()));
  }

  private static String ratio(Map<String, Row> rows, int size) {
    return Format.decimals(
        row(rows, RECOMPUTATION, size).milliseconds / row(rows, STREAMING, size).milliseconds, 1);
  }

  private static Row row(Map<String, Row> rows, String method, int size) {
    return Objects.requireNonNull(rows.get(method + size));
  }

  private static String time(Row row) {
    return row.repetitions == 0
        ? "does not fit into memory"
        : "%s (%s to %s; %d repetitions)"
            .formatted(
                Format.decimals(row.milliseconds, 3),
                Format.decimals(row.least, 3),
                Format.decimals(row.most, 3),
                row.repetitions);
  }
}
