package org.sinkstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class InterruptTest {
  @Test
  void doesWhatWasSetOnceAndAgainAfterAReset() {
    AtomicInteger done = new AtomicInteger();
    try (Interrupt interrupt = Interrupt.open()) {
      interrupt.onRaise(done::incrementAndGet);
      assertThat(interrupt.raised()).isFalse();
      interrupt.raise();
      assertThat(interrupt.raised()).isTrue();
      assertThat(done).hasValue(1);
      interrupt.onRaise(() -> done.addAndGet(10));
      assertThat(done).as("done at once when it was raised before").hasValue(11);
      interrupt.reset();
      assertThat(interrupt.raised()).isFalse();
      interrupt.raise();
      assertThat(done).as("what was set before the reset is forgotten").hasValue(11);
    }
  }
}
