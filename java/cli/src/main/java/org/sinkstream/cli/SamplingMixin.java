package org.sinkstream.cli;

import java.util.concurrent.ThreadLocalRandom;
import org.sinkstream.Sampling;
import picocli.CommandLine.Option;

/** How tokens are chosen. */
final class SamplingMixin {
  private static final Sampling DEFAULTS = Sampling.seeded(0);

  @Option(
      names = "--temperature",
      paramLabel = "X",
      description =
          "Divides the logits; 0 takes the most likely token (default: ${DEFAULT-VALUE}).")
  private double temperature = DEFAULTS.temperature();

  @Option(
      names = "--top-k",
      paramLabel = "N",
      converter = WholeNumber.Candidates.class,
      description = "Only the N most likely tokens; 0 for all (default: ${DEFAULT-VALUE}).")
  private long topK = DEFAULTS.topK();

  @Option(
      names = "--top-p",
      paramLabel = "X",
      description =
          "Only the fewest tokens whose probabilities reach X; 1 for all (default:"
              + " ${DEFAULT-VALUE}).")
  private double topP = DEFAULTS.topP();

  @Option(
      names = "--min-p",
      paramLabel = "X",
      description =
          "Only tokens at least X times as likely as the likeliest; 0 for all (default:"
              + " ${DEFAULT-VALUE}).")
  private double minP = DEFAULTS.minP();

  @Option(
      names = "--repetition-penalty",
      paramLabel = "X",
      description =
          "Makes recent tokens less likely; 1 for no penalty (default: ${DEFAULT-VALUE}).")
  private double repetitionPenalty = DEFAULTS.repetitionPenalty();

  @Option(
      names = "--repetition-window",
      paramLabel = "N",
      converter = WholeNumber.Recent.class,
      description = "Recent tokens that the penalty looks at (default: ${DEFAULT-VALUE}).")
  private long repetitionWindow = DEFAULTS.repetitionWindow();

  // A seed is drawn in any case, so that every run can say which one repeats it.
  @Option(
      names = "--seed",
      paramLabel = "N",
      converter = WholeNumber.Any.class,
      description = "Seed of the random draws; drawn at random, and reported, when left out.")
  private long seed = ThreadLocalRandom.current().nextLong(Long.MAX_VALUE);

  /** What the options say. */
  Sampling sampling() {
    return new Sampling(
        temperature,
        Math.toIntExact(topK),
        topP,
        minP,
        repetitionPenalty,
        Math.toIntExact(repetitionWindow),
        seed);
  }
}
