package org.sinkstream.cli;

import java.util.Locale;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.sinkstream.Generation;
import org.sinkstream.GenerationOptions;
import org.sinkstream.Model;
import org.sinkstream.Sampling;
import org.sinkstream.Session;
import org.sinkstream.Token;
import org.sinkstream.cli.measure.ProcessMemory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Writes far past the trained context, to show that neither memory nor speed changes. */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Writes endlessly, then says what it took: speed and memory, first and last.")
final class DemoCommand implements Callable<Integer> {
  private static final String OPENING = "It was";
  private static final int SPAN = 1000;

  private final Streams streams;

  @Mixin private final ModelMixin model = new ModelMixin();
  @Mixin private final CacheMixin cache = new CacheMixin();

  @Option(
      names = "--tokens",
      paramLabel = "N",
      converter = WholeNumber.Any.class,
      description = "How many; 0 until Ctrl-C (default: ${DEFAULT-VALUE}).")
  private long tokens = 3000;

  @Option(
      names = "--seed",
      paramLabel = "N",
      converter = WholeNumber.Any.class,
      description = "Seed of the random draws (default: ${DEFAULT-VALUE}).")
  private long seed = 1;

  DemoCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws Exception {
    try (Interrupt interrupt = Interrupt.open();
        Model opened = model.open();
        Session session = opened.newSession(cache.policy(opened))) {
      session.append(OPENING);
      session.reserve(tokens);
      Usage start = Usage.of(session);
      Generation generation = session.generate(options());
      interrupt.onRaise(generation::cancel);
      SpeedLog speed = new SpeedLog(SPAN);
      boolean read = streams.show(OPENING);
      for (Token token : generation) {
        speed.add(generation.timings().generationTime());
        read = streams.show(token.text());
        if (!read) {
          generation.cancel();
        }
      }
      streams.show("\n" + summary(speed, start, Usage.of(session)) + "\n");
      return 0;
    }
  }

  /** A model as small as the embedded one repeats itself without a penalty. */
  private GenerationOptions options() {
    Sampling sampling = Sampling.seeded(seed).withTemperature(0.9).withRepetitionPenalty(1.3, 64);
    return GenerationOptions.of(tokens, seed).withSampling(sampling).withoutEnd();
  }

  private static String summary(SpeedLog speed, Usage start, Usage end) {
    return String.format(
        Locale.ROOT,
        "%d tokens; first %d at %.1f tok/s, last %d at %.1f tok/s; cache %d bytes at the start, %d"
            + " at the end; resident memory %s at the start, %s at the end",
        speed.tokens(),
        speed.span(),
        speed.first(),
        speed.span(),
        speed.last(),
        start.cacheBytes,
        end.cacheBytes,
        mebibytes(start.resident),
        mebibytes(end.resident));
  }

  private static String mebibytes(OptionalLong bytes) {
    return bytes.isEmpty()
        ? "unknown"
        : String.format(Locale.ROOT, "%.1f MiB", bytes.getAsLong() / (double) (1 << 20));
  }

  private record Usage(long cacheBytes, OptionalLong resident) {
    static Usage of(Session session) {
      return new Usage(session.cacheBytes(), ProcessMemory.resident());
    }
  }
}
