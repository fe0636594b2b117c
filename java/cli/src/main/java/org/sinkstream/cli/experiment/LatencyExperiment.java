package org.sinkstream.cli.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
        for (String method : List.of(STREAMING, RECOMPUTATION)) {
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
    List<List<String>> table = new ArrayList<>();
    List<double[]> streaming = new ArrayList<>(), recomputed = new ArrayList<>();
    List<double[]> streamingBytes = new ArrayList<>(), recomputedBytes = new ArrayList<>();
    double ratio = Double.NaN;
    for (int size : sizes) {
      Row ours = Objects.requireNonNull(rows.get(STREAMING + size));
      Row theirs = Objects.requireNonNull(rows.get(RECOMPUTATION + size));
      ratio = theirs.milliseconds / ours.milliseconds;
      table.add(
          List.of(
              Format.count(size),
              ours.policy,
              time(ours),
              theirs.policy,
              time(theirs),
              Format.decimals(ratio, 1) + "x",
              Format.bytes(ours.sessionBytes),
              Format.bytes(theirs.sessionBytes)));
      streaming.add(new double[] {size, ours.milliseconds});
      recomputed.add(new double[] {size, theirs.milliseconds});
      streamingBytes.add(new double[] {size, ours.sessionBytes / (double) (1 << 20)});
      recomputedBytes.add(new double[] {size, theirs.sessionBytes / (double) (1 << 20)});
    }
    int most = sizes.getLast();
    String mark = "trained context: " + Format.count(info.trainedContext());
    String across = "cache size, tokens, log scale";
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
            table)
        .picture(
            "latency.png",
            "Milliseconds for a decoded token",
            new LineChart(
                    "%s: re-computation takes %sx as long at %s"
                        .formatted(source.label(), Format.decimals(ratio, 1), Format.count(most)),
                    across,
                    "milliseconds for a decoded token, log scale")
                .powersOfTwo()
                .logY()
                .line(STREAMING, streaming, true)
                .line(RECOMPUTATION, recomputed, true)
                .mark(info.trainedContext(), mark))
        .picture(
            "memory.png",
            "Memory of a session",
            new LineChart(source.label() + ": memory of a session", across, "MiB")
                .powersOfTwo()
                .fromZero()
                .line(STREAMING, streamingBytes, true)
                .line(RECOMPUTATION, recomputedBytes, true)
                .mark(info.trainedContext(), mark))
        .csv("latency.csv", "all measurements", csv.toString())
        .finish();
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
