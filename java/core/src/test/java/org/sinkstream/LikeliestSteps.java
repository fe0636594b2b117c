package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;

/** Steps whose token the device chooses against those whose token the host chooses. */
final class LikeliestSteps {
  private LikeliestSteps() {}

  /**
   * Takes some steps, each with up to nine of the likeliest tokens banned: more than a device bans
   * itself.
   *
   * @param found a stream that has logits
   * @param expected the same stream
   */
  static void check(Session found, Session expected, int steps) {
    SplittableRandom random = new SplittableRandom(steps);
    for (int i = 0; i < steps; i++) {
      int[] likeliest = expected.candidates(10).ids();
      int left = random.nextInt(10);
      Set<Integer> banned =
          Arrays.stream(likeliest).limit(left).boxed().collect(Collectors.toSet());
      assertThat(found.step(new Sampler(Sampling.greedy(), banned))).isEqualTo(likeliest[left]);
      expected.append(likeliest[left]);
      assertThat(found.position()).isEqualTo(expected.position());
      assertThat(found.logits()).isEqualTo(expected.logits());
    }
  }
}
