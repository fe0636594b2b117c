package org.sinkstream.readme;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.sinkstream.testing.EmbeddedModel;

/** The README's library example: it stands there word for word, compiles and runs. */
@Isolated("it prints to System.out")
class ReadmeExampleTest {
  private static final Path SOURCE = Path.of("src/test/java/org/sinkstream/readme/Example.java");

  @Test
  void standsInTheReadme() throws IOException {
    String example =
        Files.readAllLines(SOURCE).stream()
            .dropWhile(line -> !line.contains("tag::example"))
            .skip(1)
            .takeWhile(line -> !line.contains("end::example"))
            .collect(Collectors.joining("\n"));
    assertThat(Files.readString(Path.of("../../README.md")))
        .contains("```java\n" + example + "\n```");
  }

  @Test
  void runs() {
    PrintStream before = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      Example.main(new String[] {EmbeddedModel.DIRECTORY.toString()});
    } finally {
      System.setOut(before);
    }
    assertThat(printed.toString(StandardCharsets.UTF_8))
        .hasSizeGreaterThan(6000)
        .containsPattern("\n30\\d\\d tokens, \\d+ bytes\n$");
  }
}
