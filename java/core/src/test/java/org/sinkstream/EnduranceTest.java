package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.sinkstream.kernels.Device;
import org.sinkstream.testing.EmbeddedModel;

/**
 * A long stream on the embedded model: after the first tenth native memory is flat to the byte,
 * resident memory within 16 MiB, and every loss is a number. {@code
 * -Dsinkstream.endurance.tokens=200000} makes it long.
 */
class EnduranceTest {
  private static final int TOKENS = Integer.getInteger("sinkstream.endurance.tokens", 10_000);
  private static final long RESIDENT_SLACK = 16L << 20;

  @Test
  void memoryStaysFlat() throws IOException {
    GenerationOptions endless = GenerationOptions.of(TOKENS, 1).withoutEnd();
    try (Model model = Model.open(EmbeddedModel.DIRECTORY);
        Session session = model.newSession(CachePolicy.streaming(4, 508))) {
      session.append("It was");
      long nativeBytes = 0;
      long resident = 0;
      long generated = 0;
      for (Token token : session.generate(endless)) {
        generated++;
        if (generated == TOKENS / 10) {
          nativeBytes = Device.allocatedBytes();
          resident = residentBytes().orElse(0);
        }
        assertThat(token.id()).isBetween(0, model.info().vocabulary() - 1);
      }
      assertThat(generated).isEqualTo(TOKENS);
      assertThat(Device.allocatedBytes()).isEqualTo(nativeBytes);
      assertThat(residentBytes().orElse(0)).isLessThanOrEqualTo(resident + RESIDENT_SLACK);
      assertThat(session.cacheBytes()).isEqualTo(model.cacheBytes(session.policy()));
      for (float logit : session.logits()) {
        assertThat(logit).isFinite();
      }
    }
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
