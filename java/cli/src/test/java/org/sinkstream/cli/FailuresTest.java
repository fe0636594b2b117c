package org.sinkstream.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import org.junit.jupiter.api.Test;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.error.DeviceException;
import org.sinkstream.error.DeviceFaultException;
import org.sinkstream.error.NativeLibraryException;

final class FailuresTest {
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private String report(int code, Throwable failure) {
    err.reset();
    assertThat(Failures.report(failure, new PrintStream(err, true, UTF_8))).isEqualTo(code);
    return err.toString(UTF_8);
  }

  @Test
  void badInputIsSaidInTheLibrarysWords() {
    assertThat(report(2, new CheckpointException("a: b"))).isEqualTo("error: a: b\n");
    assertThat(report(2, new DeviceException("c"))).isEqualTo("error: c\n");
    assertThat(report(2, new IllegalArgumentException("d"))).isEqualTo("error: d\n");
  }

  @Test
  void severalLinesBecomeOne() {
    assertThat(report(2, new NativeLibraryException("Tried:\n  one: gone\n  two: gone\n")))
        .isEqualTo("error: Tried: one: gone two: gone\n");
  }

  @Test
  void filesAreNamed() {
    assertThat(report(2, new AccessDeniedException("f")))
        .isEqualTo("error: f: permission denied\n");
    assertThat(report(2, new FileSystemException("f", null, "Is full")))
        .isEqualTo("error: f: Is full\n");
    assertThat(report(2, new UncheckedIOException(new IOException("No space left on device"))))
        .isEqualTo("error: No space left on device\n");
  }

  @Test
  void aFailedInitialiserIsWhatItFailedOf() {
    assertThat(report(2, new ExceptionInInitializerError(new NativeLibraryException("gone"))))
        .isEqualTo("error: gone\n");
  }

  @Test
  void faultsOfOursSayHowToSeeMore() {
    assertThat(report(1, new IllegalStateException("unexpected")))
        .startsWith("error: internal error")
        .contains("IllegalStateException: unexpected")
        .contains("SINKSTREAM_DEBUG=1");
    assertThat(report(1, new DeviceFaultException("a card: sks_linear: lost")))
        .startsWith("error: internal error")
        .contains("a card: sks_linear: lost")
        .hasLineCount(1);
    assertThat(report(1, new OutOfMemoryError("heap"))).hasLineCount(1);
  }
}
