package org.sinkstream.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.System.Logger.Level;
import org.junit.jupiter.api.Test;

/** What reaches stdout and stderr, and what does not. */
final class StreamsTest {
  private static RememberingOutput failing(String message) {
    return new RememberingOutput(
        new OutputStream() {
          @Override
          public void write(int value) throws IOException {
            throw new IOException(message);
          }
        });
  }

  @Test
  void aFullDiskIsAFailure() {
    RememberingOutput out = failing("No space left on device");
    assertThat(Streams.ofProcess(out).show("text")).isFalse();
    assertThatThrownBy(out::check)
        .isInstanceOf(IOException.class)
        .hasMessage("standard output: No space left on device");
  }

  @Test
  void aReaderThatHasLeftIsNone() throws IOException {
    RememberingOutput out = failing("Broken pipe");
    assertThat(Streams.ofProcess(out).show("text")).isFalse();
    out.check();
  }

  @Test
  void textIsUtf8() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    RememberingOutput out = new RememberingOutput(bytes);
    assertThat(Streams.ofProcess(out).show("caf\u00e9")).isTrue();
    out.check();
    assertThat(bytes.toByteArray()).isEqualTo("caf\u00e9".getBytes(UTF_8));
  }

  @Test
  void warningsAreOneLineEach() {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Warnings.showOn(new PrintStream(err, true, UTF_8));
    System.Logger logger = System.getLogger(StreamsTest.class.getName());
    logger.log(Level.WARNING, "tensor {0} is not used", "extra.weight");
    logger.log(Level.INFO, "not shown");
    assertThat(err.toString(UTF_8)).isEqualTo("warning: tensor extra.weight is not used\n");
  }
}
