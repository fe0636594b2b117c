package org.sinkstream.testing;

import java.util.Random;

/**
 * The seed of a test whose input is random: that of the environment's {@code SINKSTREAM_TEST_SEED},
 * where it is set, as in the C tests; else another every time.
 */
public record Seed(long value) {
  /** Prints it as well, so that a failure can be had again. */
  public static Seed of(String test) {
    String given = System.getenv("SINKSTREAM_TEST_SEED");
    Seed seed = new Seed(given == null ? new Random().nextLong() : Long.parseUnsignedLong(given));
    System.out.println(test + ": seed " + seed);
    return seed;
  }

  /** The numbers that it stands for. */
  public Random random() {
    return new Random(value);
  }

  /** As the environment gives it. */
  @Override
  public String toString() {
    return Long.toUnsignedString(value);
  }
}
