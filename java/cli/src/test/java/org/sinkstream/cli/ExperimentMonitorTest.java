package org.sinkstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ExperimentMonitorTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0 min",
    "1, 1 min",
    "61, 2 min",
    "3540, 59 min",
    "3600, 1 h 00 min",
    "90000, 25 h 00 min"
  })
  void estimates(double seconds, String words) {
    assertThat(ExperimentMonitor.duration(seconds)).isEqualTo(words);
  }
}
