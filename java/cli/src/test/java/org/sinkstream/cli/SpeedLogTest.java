package org.sinkstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

final class SpeedLogTest {
  private final SpeedLog log = new SpeedLog(10);
  private long millis;

  private void add(int tokens, int millisEach) {
    for (int i = 0; i < tokens; i++) {
      millis += millisEach;
      log.add(Duration.ofMillis(millis));
    }
  }

  @Test
  void firstAndLastAreWhatTheyAreCalled() {
    add(10, 1);
    add(1000, 5);
    add(10, 2);
    assertThat(log.tokens()).isEqualTo(1020);
    assertThat(log.span()).isEqualTo(10);
    assertThat(log.first()).isEqualTo(1000);
    assertThat(log.last()).isEqualTo(500);
  }

  @Test
  void shortStreamsAreHalved() {
    add(4, 1);
    add(5, 2);
    assertThat(log.span()).isEqualTo(4);
    assertThat(log.first()).isEqualTo(1000);
    assertThat(log.last()).isEqualTo(500);
  }

  @Test
  void oneTokenIsFirstAndLast() {
    add(1, 4);
    assertThat(log.span()).isEqualTo(1);
    assertThat(log.first()).isEqualTo(250);
    assertThat(log.last()).isEqualTo(250);
  }

  @Test
  void noTokenHasNoSpeed() {
    assertThat(log.span()).isZero();
    assertThat(log.first()).isZero();
    assertThat(log.last()).isZero();
  }
}
