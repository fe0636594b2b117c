package org.sinkstream.cli;

import java.util.List;
import java.util.concurrent.Callable;
import org.sinkstream.MemoryBandwidth;
import org.sinkstream.Model;
import org.sinkstream.ModelInfo;
import org.sinkstream.NativeInfo;
import org.sinkstream.cli.measure.BenchResult;
import org.sinkstream.cli.measure.BenchStreams;
import org.sinkstream.cli.measure.BenchTest;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Measures how fast a model runs. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "How fast a model runs, in llama-bench's tests: pp N is a prompt of N tokens, of whose logits"
          + " only the last are computed; tg N is N tokens one by one, a random one and what is"
          + " likeliest after it (greedy decoding).",
      "Each test is warmed up first. Prompts are random tokens, and so is what --depth puts into the"
          + " cache before a test."
    })
final class BenchCommand implements Callable<Integer> {
  private static final long LEAST_READ = 256 << 20; // more than processor caches hold
  private static final long MOST_READ = 1 << 30; // more would tell no more

  /** In which the JVM compiles what it calls; at least one run. */
  private static final long WARM_UP_NANOS = 1_500_000_000;

  /** A GPU stands idle while what is not compiled runs between two steps. */
  private static final long GPU_WARM_UP_NANOS = 4_000_000_000L;

  private final Streams streams;

  @Mixin private final BenchModel model = new BenchModel();
  @Mixin private final CacheMixin cache = new CacheMixin();

  @ArgGroup(exclusive = true)
  private BenchReport report = new BenchReport();

  @Option(
      names = {"-p", "--n-prompt"},
      paramLabel = "N",
      split = ",",
      converter = WholeNumber.Tokens.class,
      description = "Tokens of a prompt; 0 for no such test (default: ${DEFAULT-VALUE}).")
  private List<Long> prompts = List.of(128L, 512L);

  @Option(
      names = {"-n", "--n-gen"},
      paramLabel = "N",
      split = ",",
      converter = WholeNumber.Tokens.class,
      description = "Tokens generated; 0 for no such test (default: ${DEFAULT-VALUE}).")
  private List<Long> generations = List.of(32L);

  @Option(
      names = {"-d", "--depth"},
      paramLabel = "N",
      split = ",",
      converter = WholeNumber.Tokens.class,
      description = {
        "Tokens in the stream before the test (default: ${DEFAULT-VALUE}).",
        "With S+R anything beyond S+R means a full cache."
      })
  private List<Long> depths = List.of(0L);

  @Option(
      names = {"-r", "--repetitions"},
      paramLabel = "N",
      converter = WholeNumber.Repetitions.class,
      description = "How often each test is measured (default: ${DEFAULT-VALUE}).")
  private long repetitions = 5;

  @Option(
      names = "--streams",
      paramLabel = "N",
      converter = WholeNumber.BatchStreams.class,
      description =
          "Streams that generate together, the likeliest token of each in a step; prompts are of"
              + " one stream (default: ${DEFAULT-VALUE}).")
  private long batched = 1;

  BenchCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws Exception {
    List<BenchTest> tests = BenchTest.all(prompts, generations, depths);
    if (tests.isEmpty()) {
      throw new IllegalArgumentException("-p 0 -n 0: no test; expected one of them above 0");
    }
    long begin = System.nanoTime();
    try (Model opened = model.open()) {
      double loadSeconds = (System.nanoTime() - begin) / 1e9;
      BenchFields fields = new BenchFields(model, opened, loadSeconds, NativeInfo.allocatedBytes());
      ModelInfo info = opened.info();
      try (BenchStreams tested =
              new BenchStreams(opened, cache.policy(opened), Math.toIntExact(batched));
          MemoryBandwidth memory =
              MemoryBandwidth.open(
                  info.device(),
                  info.threads(),
                  Math.clamp(info.weightBytes(), LEAST_READ, MOST_READ))) {
        long warmUp = info.device().equals("cpu") ? WARM_UP_NANOS : GPU_WARM_UP_NANOS;
        for (BenchTest test : tests) {
          report.add(streams, fields, measure(test, tested, memory, warmUp));
        }
      }
      report.finish(streams);
      return 0;
    }
  }

  private BenchResult measure(
      BenchTest test, BenchStreams tested, MemoryBandwidth memory, long warmUpNanos) {
    for (long warm = 0; warm < warmUpNanos; warm += tested.run(test)) {
      tested.moveTo(test);
    }
    double[] tokensPerSecond = new double[(int) repetitions];
    double[] bandwidths = new double[(int) repetitions];
    for (int i = 0; i < repetitions; i++) {
      tested.moveTo(test);
      bandwidths[i] = memory.measure();
      tokensPerSecond[i] = tested.tokens(test) * 1e9 / tested.run(test);
    }
    return new BenchResult(
        test,
        tokensPerSecond,
        tested.bytesPerToken(test, model.chunk()),
        BenchResult.median(bandwidths),
        tested.policy(),
        tested.streams(test),
        tested.cacheBytes(test));
  }
}
