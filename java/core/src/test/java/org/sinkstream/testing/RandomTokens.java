package org.sinkstream.testing;

import java.util.SplittableRandom;
import org.sinkstream.Model;

/** Tokens that mean nothing. */
public final class RandomTokens {
  private RandomTokens() {}

  /** Some tokens of a model's vocabulary, the same for the same seed. */
  public static int[] of(Model model, int count, long seed) {
    return new SplittableRandom(seed).ints(count, 0, model.info().vocabulary()).toArray();
  }
}
