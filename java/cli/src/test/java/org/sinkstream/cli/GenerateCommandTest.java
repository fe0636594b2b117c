package org.sinkstream.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

final class GenerateCommandTest {
  private static final String PROMPT = "The captain looked at the sea and";

  @TempDir Path directory;

  private static Cli.Result generate(String... more) {
    String[] all = new String[more.length + 7];
    String[] base = {"generate", "--max-tokens", "24", "--cache", "4+28", "--prompt", PROMPT};
    System.arraycopy(base, 0, all, 0, base.length);
    System.arraycopy(more, 0, all, base.length, more.length);
    return Cli.run(all);
  }

  @Test
  void theSameSeedGivesTheSameText() {
    Cli.Result first = generate("--seed", "7");
    assertThat(first.code()).isZero();
    assertThat(first.out()).isEqualTo(generate("--seed", "7").out()).isNotBlank();
    assertThat(first.out()).isNotEqualTo(generate("--seed", "8").out());
    assertThat(first.err()).contains("seed 7").hasLineCount(1);
  }

  @Test
  void theSeedThatIsReportedRepeatsTheRun() {
    JsonNode drawn = generate("--json").json();
    JsonNode repeated = generate("--json", "--seed", drawn.get("seed").asString()).json();
    assertThat(repeated.get("text")).isEqualTo(drawn.get("text"));
  }

  @Test
  void greedyTextDoesNotDependOnTheSeedOrTheChunk() {
    String text = generate("--temperature", "0", "--seed", "1").out();
    assertThat(generate("--temperature", "0", "--seed", "2", "--chunk", "3").out()).isEqualTo(text);
  }

  @Test
  void jsonSaysWhatHappened() {
    Cli.Result result = generate("--json", "--seed", "7", "--kv-type", "bf16", "--threads", "1");
    assertThat(result.out()).hasLineCount(1);
    assertThat(result.err()).isEmpty();
    JsonNode json = result.json();
    assertThat(json.get("text").asString() + "\n")
        .isEqualTo(generate("--seed", "7", "--kv-type", "bf16", "--threads", "1").out());
    assertThat(json.get("tokens").asLong()).isEqualTo(24);
    assertThat(json.get("prompt_tokens").asLong()).isPositive();
    assertThat(json.get("position").asLong()).isEqualTo(24 + json.get("prompt_tokens").asLong());
    assertThat(json.get("finish_reason").asString()).isEqualTo("max_tokens");
    assertThat(json.get("seed").asLong()).isEqualTo(7);
    assertThat(json.get("tokens_per_second").asDouble()).isPositive();
    assertThat(json.get("prompt_tokens_per_second").asDouble()).isPositive();
    assertThat(json.get("cache").asString()).isEqualTo("4+28");
    assertThat(json.get("cache_bytes").asLong()).isPositive();
    assertThat(json.get("kv_type").asString()).isEqualTo("bf16");
    assertThat(json.get("threads").asInt()).isEqualTo(1);
    assertThat(json.get("model").asString()).isEqualTo("llama-mini (embedded)");
  }

  @Test
  void promptsComeFromFilesAndStandardInputToo() throws IOException {
    String expected = generate("--seed", "7").out();
    Path file = Files.writeString(directory.resolve("prompt"), PROMPT);
    String[] options = {"generate", "--max-tokens", "24", "--cache", "4+28", "--seed", "7"};
    String[] fromFile = Arrays.copyOf(options, options.length + 2);
    fromFile[options.length] = "--prompt-file";
    fromFile[options.length + 1] = file.toString();
    assertThat(Cli.run(fromFile).out()).isEqualTo(expected);
    assertThat(Cli.runWith(PROMPT.getBytes(UTF_8), options).out()).isEqualTo(expected);
  }

  @Test
  void stopStringsEndTheText() {
    String free = generate("--seed", "7").out().strip();
    String stop = free.substring(free.length() / 2, free.length() / 2 + 3);
    JsonNode json =
        generate("--seed", "7", "--json", "--stop", "never, ever", "--stop", stop).json();
    assertThat(json.get("finish_reason").asString()).isEqualTo("stop_string");
    assertThat(json.get("text").asString().strip())
        .isEqualTo(free.substring(0, free.indexOf(stop)).strip());
  }

  @Test
  void theModelDirectoryIsTheEmbeddedModel() {
    assertThat(generate("--seed", "7", "-m", "../../models/llama-mini").out())
        .isEqualTo(generate("--seed", "7").out());
  }

  @Test
  @Timeout(value = 20, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void aReaderThatLeavesEndsIt() {
    OutputStream leaving =
        new OutputStream() {
          private int left = 40;

          @Override
          public void write(int value) throws IOException {
            if (left-- == 0) {
              throw new IOException("Broken pipe");
            }
          }
        };
    Streams streams =
        new Streams(
            new ByteArrayInputStream(PROMPT.getBytes(UTF_8)),
            new PrintStream(leaving, false, UTF_8),
            new PrintStream(OutputStream.nullOutputStream(), true, UTF_8));
    assertThat(Main.run(streams, "generate", "--max-tokens", "0", "--seed", "7")).isZero();
  }
}
