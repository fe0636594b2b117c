package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.Tensor;
import org.sinkstream.kernels.TopK;

/** Which tokens are drawn of five with the probabilities 1/2, 1/4, 1/8, 1/16 and 1/16. */
class SamplerTest {
  private static final int DRAWS = 1000;
  private static final Sampling ALL = new Sampling(1, 0, 1, 0, 1, 0, 42);

  private static Set<Integer> drawn(Sampling sampling) {
    float[] logits = {4, 3, 2, 1, 1};
    for (int i = 0; i < logits.length; i++) {
      logits[i] *= (float) Math.log(2);
    }
    int[] ids = IntStream.range(0, logits.length).toArray();
    Sampler sampler = new Sampler(sampling, Set.of());
    Set<Integer> drawn = new TreeSet<>();
    try (Device device = Device.openCpu(1);
        Arena arena = Arena.ofConfined()) {
      Tensor tensor = Tensor.of(device, arena, logits);
      for (int i = 0; i < DRAWS; i++) {
        drawn.add(
            sampler.choose(
                ids.length,
                count -> new TopK(Arrays.copyOf(ids, count), Arrays.copyOf(logits, count)),
                tensor,
                count -> new int[0]));
      }
    }
    return drawn;
  }

  @Test
  void allUnlessTold() {
    assertThat(drawn(ALL)).containsExactly(0, 1, 2, 3, 4);
    assertThat(drawn(ALL.withTemperature(0))).containsExactly(0);
  }

  @Test
  void theLikeliestIsLeftToADeviceThatCan() {
    Sampling greedy = Sampling.greedy();
    Set<Integer> eight = Set.of(1, 2, 3, 4, 5, 6, 7, 8);
    assertThat(new Sampler(greedy, Set.of()).takesLikeliest()).isTrue();
    assertThat(new Sampler(greedy, eight).takesLikeliest()).isTrue();
    assertThat(new Sampler(greedy, Set.of(0, 1, 2, 3, 4, 5, 6, 7, 8)).takesLikeliest()).isFalse();
    assertThat(new Sampler(ALL, Set.of()).takesLikeliest()).isFalse();
    Sampling penalised = greedy.withRepetitionPenalty(1.1, 64);
    assertThat(new Sampler(penalised, Set.of()).takesLikeliest()).isFalse();
  }

  @Test
  void topKIsACount() {
    assertThat(drawn(ALL.withTopK(2))).containsExactly(0, 1);
    assertThat(drawn(ALL.withTopK(6))).containsExactly(0, 1, 2, 3, 4);
  }

  @Test
  void topPIsASumOfProbabilities() {
    assertThat(drawn(ALL.withTopP(0.7))).containsExactly(0, 1);
    assertThat(drawn(ALL.withTopP(0.8))).containsExactly(0, 1, 2);
  }

  @Test
  void minPIsAShareOfTheLikeliest() {
    assertThat(drawn(ALL.withMinP(0.2))).containsExactly(0, 1, 2);
    assertThat(drawn(ALL.withMinP(1))).containsExactly(0);
  }
}
