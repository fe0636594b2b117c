package org.sinkstream.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Optional;
import java.util.OptionalDouble;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.sinkstream.graph.RopeConfig.Llama3Scaling;

/**
 * Frequencies and slopes against values computed elsewhere, from Hugging Face's formulas, in
 * float64.
 */
class PositionsTest {
  private static final Percentage ROUNDING = Percentage.withPercentage(1e-12);

  @Test
  void plainFrequencies() {
    double[] frequencies = new RopeConfig(8, 10_000, Optional.empty()).inverseFrequencies();
    assertThat(frequencies).containsExactly(new double[] {1, 0.1, 0.01, 0.001}, within(1e-15));
  }

  @Test
  void llama3Frequencies() {
    RopeConfig rope = new RopeConfig(16, 500_000, Optional.of(new Llama3Scaling(8, 1, 4, 64)));
    double[] expected = {
      1.0,
      0.0794030091792082,
      0.004700753866357992,
      0.0009115830921521386,
      0.00017677669529663688,
      3.428102195952591e-05,
      6.647869871181236e-06,
      1.2891731721515574e-06
    };
    assertClose(rope.inverseFrequencies(), expected, 0, 1, 2, 3, 4, 5, 6, 7);
  }

  @Test
  void llama3FrequenciesOfTheBlend() {
    RopeConfig rope = new RopeConfig(64, 500_000, Optional.of(new Llama3Scaling(32, 1, 4, 8192)));
    double[] expected = {
      0.004839421345719893,
      0.0032114459947525913,
      0.001290547928209264,
      0.00042955679655936815,
      9.70828780262767e-05,
      1.9461638184831125e-05,
      9.418306725434909e-08
    };
    assertClose(rope.inverseFrequencies(), expected, 13, 14, 15, 16, 17, 18, 31);
  }

  private static void assertClose(double[] found, double[] expected, int... at) {
    for (int i = 0; i < at.length; i++) {
      assertThat(found[at[i]]).as("frequency %d", at[i]).isCloseTo(expected[i], ROUNDING);
    }
  }

  private static double[] slopes(int heads, double biasMax) {
    return new MptConfig(
            "mpt",
            1,
            8 * heads,
            1,
            heads,
            heads,
            8,
            1,
            1,
            1,
            true,
            false,
            OptionalDouble.empty(),
            1,
            biasMax,
            ConfigFixture.NO_SINKS)
        .alibiSlopes();
  }

  @Test
  void slopesOfAPowerOfTwo() {
    assertThat(slopes(4, 8)).containsExactly(0.25, 0.0625, 0.015625, 0.00390625);
    assertThat(slopes(1, 8)).containsExactly(0.00390625);
    assertThat(slopes(2, 16)).containsExactly(0.00390625, 0.0000152587890625);
  }

  @Test
  void slopesOfOtherHeadCounts() {
    assertThat(slopes(6, 8)).containsExactly(0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125);
    assertThat(slopes(3, 8)).containsExactly(0.0625, 0.00390625, 0.25);
    assertThat(slopes(7, 8))
        .containsExactly(0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125, 0.03125);
  }
}
