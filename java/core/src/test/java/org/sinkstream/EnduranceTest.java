package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.sinkstream.kernels.Device;
import org.sinkstream.testing.EmbeddedModel;

/**
 * A long stream on the embedded model, whose speed it prints: after the first tenth native memory
 * is flat to the byte, and every logit is a number. {@code -Dsinkstream.endurance.tokens=200000}
 * makes it long; from 100,000 tokens on resident memory is held to 16 MiB too.
 */
class EnduranceTest {
  private static final int TOKENS = Integer.getInteger("sinkstream.endurance.tokens", 10_000);
  private static final int SPAN = TOKENS / 20;
  private static final long RESIDENT_SLACK = 16L << 20;

  /** A shorter stream ends before the JVM has touched its whole young generation. */
  private static final int LONG = 100_000;

  @Test
  void memoryStaysFlat() throws IOException {
    GenerationOptions endless = GenerationOptions.of(TOKENS, 1).withoutEnd();
    try (Model model = Model.open(EmbeddedModel.DIRECTORY);
        Session session = model.newSession(CachePolicy.streaming(4, 508))) {
      session.append("It was");
      long nativeBytes = 0;
      long resident = 0;
      long generated = 0;
      Generation generation = session.generate(endless);
      List<Duration> marks = new ArrayList<>();
      for (Token token : generation) {
        generated++;
        if (generated % SPAN == 0) {
          marks.add(generation.timings().generationTime());
        }
        if (generated == TOKENS / 10) {
          nativeBytes = Device.allocatedBytes();
          resident = residentBytes().orElse(0);
        }
        assertThat(token.id()).isBetween(0, model.info().vocabulary() - 1);
      }
      assertThat(generated).isEqualTo(TOKENS);
      assertThat(Device.allocatedBytes()).isEqualTo(nativeBytes);
      if (TOKENS >= LONG) {
        assertThat(residentBytes().orElse(0)).isLessThanOrEqualTo(resident + RESIDENT_SLACK);
      }
      assertThat(session.cacheBytes()).isEqualTo(model.cacheBytes(session.policy()));
      for (float logit : session.logits()) {
        assertThat(logit).isFinite();
      }
      System.out.printf(
          Locale.ROOT,
          "%d tokens; tokens %d to %d at %.1f tok/s, the last %d at %.1f tok/s; native %d bytes,"
              + " resident %d bytes after the first tenth, %d at the end%n",
          generated,
          SPAN,
          2 * SPAN,
          rate(marks, 1),
          SPAN,
          rate(marks, marks.size() - 1),
          nativeBytes,
          resident,
          residentBytes().orElse(0));
    }
  }

  /** Tokens per second between two marks; the cache is full from the first mark on. */
  private static double rate(List<Duration> marks, int end) {
    return SPAN / (marks.get(end).minus(marks.get(end - 1)).toNanos() / 1e9);
  }

  /** Linux tells; elsewhere there is nothing to compare. */
  private static OptionalLong residentBytes() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) {
      return OptionalLong.empty();
    }
    return Files.readAllLines(status).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
        .findFirst();
  }
}
