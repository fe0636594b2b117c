package org.sinkstream.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Runs commands in this process. */
final class Cli {
  private Cli() {}

  /** What a command left behind. */
  record Result(int code, String out, String err) {
    JsonNode json() {
      return JsonMapper.shared().readTree(out);
    }

    /** That it was refused: exit code 2, one line on stderr that says what, and nothing else. */
    void assertRefused(String what) {
      assertThat(err).startsWith("error: ").contains(what);
      assertThat(err.lines()).hasSize(1);
      assertThat(err).doesNotContain("Exception").doesNotContain("\tat ");
      assertThat(out).isEmpty();
      assertThat(code).isEqualTo(2);
    }
  }

  static Result run(String... arguments) {
    return runWith(new byte[0], arguments);
  }

  static Result runWith(byte[] in, String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Streams streams =
        new Streams(
            new ByteArrayInputStream(in),
            new PrintStream(out, false, UTF_8),
            new PrintStream(err, true, UTF_8));
    int code = Main.run(streams, arguments);
    return new Result(code, out.toString(UTF_8), err.toString(UTF_8));
  }

  static void assertRefused(String what, String... arguments) {
    run(arguments).assertRefused(what);
  }

  static Path writeIds(Path file, int... ids) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(ids.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(ids);
    return Files.write(file, bytes.array());
  }

  static float[] readFloats(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    float[] floats = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(floats);
    return floats;
  }
}
