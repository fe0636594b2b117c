package org.sinkstream.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sinkstream.cli.Cli.assertRefused;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Everything that is refused: exit code 2, one line on stderr that says what, nothing else. */
final class BadInputTest {
  @TempDir Path directory;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --threads            | 0                    | from 1 to 1024
          --threads            | -1                   | from 1 to 1024
          --threads            | 1025                 | from 1 to 1024
          --threads            | 99999999999999999999 | from 1 to 1024
          --threads            | two                  | from 1 to 1024
          --chunk              | 0                    | from 1 to 65536
          --chunk              | -7                   | from 1 to 65536
          --chunk              | 65537                | from 1 to 65536
          --max-tokens         | -1                   | from 0 to 9223372036854775807
          --max-tokens         | 9223372036854775808  | from 0 to 9223372036854775807
          --seed               | -1                   | from 0 to 9223372036854775807
          --top-k              | -1                   | from 0 to 2147483647
          --repetition-window  | 4097                 | from 0 to 4096
          --cache              | 4+0                  | window: 0; expected 1 or more
          --cache              | -4+1020              | expected S+R such as 4+1020, 0+R, dense, or rec
          --cache              | 4+-1                 | expected S+R such as 4+1020, 0+R, dense, or rec
          --cache              | 4+1e3                | expected S+R such as 4+1020, 0+R, dense, or rec
          --cache              | 9999999999999999999+1 | expected S+R such as 4+1020, 0+R, dense, or rec
          --cache              | Dense                | expected S+R such as 4+1020, 0+R, dense, or rec
          --cache              | recompute:0          | tokens to recompute: 0; expected 1 to 16777216
          --cache              | recompute:16777217   | tokens to recompute: 16777217; expected 1 to 16777216
          --cache              | recompute:-1         | expected S+R such as 4+1020, 0+R, dense, or rec
          --sink-token         | -1                   | from 0 to 2147483647
          --memory-limit       | 4GB                  | expected bytes, a whole number with KiB, MiB, GiB, TiB
          --memory-limit       | 99999999999TiB       | expected bytes, a whole number with KiB, MiB, GiB, TiB
          --kv-type            | q8                   | expected one of [F16, BF16, F32, Q8_0]
          --activations        | f16                  | expected one of [AUTO, F32]
          --temperature        | warm                 | is not a double
          """)
  void optionsThatDoNotParse(String option, String value, String expected) {
    assertRefused(expected, "generate", "--prompt", "x", option, value);
    assertThat(Cli.run("generate", "--prompt", "x", option, value).err())
        .contains("'" + option + "'")
        .contains("'" + value + "'");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --temperature        | -0.5 | temperature: -0.5; expected 0 or more
          --temperature        | NaN  | temperature: NaN; expected 0 or more
          --top-p              | 0    | top-p: 0.0; expected more than 0, at most 1
          --top-p              | 1.5  | top-p: 1.5; expected more than 0, at most 1
          --min-p              | -1   | min-p: -1.0; expected 0 to 1
          --repetition-penalty | 0    | repetition penalty: 0.0; expected more than 0
          --stop               | ''   | a stop string is empty
          --device             | gpu  | device 'gpu'; expected cpu, cuda, or cuda:N
          --device             | cuda:-1 | device 'cuda:-1'; expected cpu, cuda, or cuda:N
          --sink-token         | 4096 | sink token: 4096; the vocabulary is 0 to 4095
          --memory-limit       | 1MiB | the memory limit is 1048576 bytes
          """)
  void valuesOutOfRange(String option, String value, String expected) {
    assertRefused(expected, "generate", "--prompt", "x", option, value);
  }

  @Test
  void commandsAndOptionsThatAreNotThere() {
    assertRefused(
        "no command; expected one of demo, generate, chat, perplexity, logits, convert, info, bench, experiment");
    assertRefused("'frob'", "frob");
    assertRefused("'--frob'", "info", "--frob");
    assertRefused("'--model'", "info", "--model");
    assertRefused("--ids", "logits", "--out", "x");
    assertRefused("--out", "logits", "--ids", "x");
    assertRefused("mutually exclusive", "generate", "--prompt", "a", "--prompt-file", "b");
    assertRefused("mutually exclusive", "perplexity", "-f", "a", "--ids", "b");
    assertRefused("(-f=TEXT | --ids=FILE)", "perplexity");
    assertRefused("--pin-prompt", "chat", "--pin-prompt");
    assertRefused("'-1'", "demo", "--tokens", "-1");
    assertRefused("mutually exclusive", "bench", "--json", "--csv");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          -p      | 8,,9   | ''   | from 0 to 16777216
          -p      | -1     | '-1' | from 0 to 16777216
          -n      | 8,x    | 'x'  | from 0 to 16777216
          --depth | 1e3    | '1e3' | from 0 to 16777216
          --synthetic | gpt-5 | 'gpt-5' | expected one of tinyllama-1.1b, llama-2-7b, llama-2-13b, pythia-6.9b, falcon-7b, mpt-7b
          --type  | q3_k   | 'q3_k' | expected one of f32, f16, bf16, q8_0, q4_0, q4_k
          --type  | q4_0   | q4_0   | --type q4_0 without --synthetic
          -r      | 0      | '0'  | from 1 to 1000
          """)
  void testsThatAreNone(String option, String value, String named, String expected) {
    assertRefused(expected, "bench", option, value);
    assertRefused(named, "bench", option, value);
    assertRefused("-p 0 -n 0: no test", "bench", "-p", "0", "-n", "0");
    assertRefused(
        "--synthetic tinyllama-1.1b and --model there; expected one of them",
        "bench",
        "--synthetic",
        "tinyllama-1.1b",
        "-m",
        "there");
  }

  @Test
  void cachesBeyondMemorySayWhatTheyTake() {
    // 6 layers x 2 heads x 64 channels x 2 bytes, keys and values: 3072 bytes a token.
    assertRefused(
        "a cache for 4+999999999999 takes 30720000",
        "generate",
        "--prompt",
        "x",
        "--cache",
        "4+999999999999");
    assertRefused(
        "a cache for 999999999999999999+999999999999999999 takes",
        "generate",
        "--prompt",
        "x",
        "--cache",
        "999999999999999999+999999999999999999");
  }

  @Test
  void modelsThatAreNone() throws IOException {
    Path gone = directory.resolve("gone");
    assertRefused(gone.toString(), "info", "-m", gone.toString());
    assertRefused("config.json", "info", "-m", directory.toString());
    Files.writeString(directory.resolve("config.json"), "{");
    assertRefused(directory.toString(), "info", "-m", directory.toString());
    Path gguf = Files.write(directory.resolve("model.gguf"), new byte[] {'G', 'G', 'U', 'F', 1});
    assertRefused(gguf + ": byte 4: the version takes 4 bytes", "info", "-m", gguf.toString());
    Path other = Files.writeString(directory.resolve("model.pt"), "PK");
    assertRefused(other + ": no model; expected a Hugging Face", "info", "-m", other.toString());
  }

  @Test
  void textsThatAreNone() throws IOException {
    Path text = Files.write(directory.resolve("text"), new byte[] {'a', 'b', (byte) 0xff});
    String name = text.toString();
    assertRefused("not UTF-8 text: byte 0xff at offset 2", "generate", "--prompt-file", name);
    assertRefused("not UTF-8 text: byte 0xff at offset 2", "perplexity", "-f", name);
    byte[] half = {'a', (byte) 0xe2, (byte) 0x82};
    Cli.runWith(half, "generate")
        .assertRefused("standard input: not UTF-8 text: byte 0xe2 at offset 1");
    assertRefused("a directory", "generate", "--prompt-file", directory.toString());
    String gone = directory.resolve("gone").toString();
    assertRefused(gone + ": no such file or directory", "generate", "--prompt-file", gone);
    assertRefused(gone + ": no such file or directory", "perplexity", "--ids", gone);
    Path empty = Files.createFile(directory.resolve("empty"));
    assertRefused("expected at least 2", "perplexity", "-f", empty.toString());
  }

  @Test
  void idsThatAreNone() throws IOException {
    Path out = directory.resolve("out");
    for (int id : List.of(4096, -1, Integer.MAX_VALUE)) {
      Path ids = Cli.writeIds(directory.resolve("ids"), 1, id, 2);
      assertRefused(
          "token 1 (byte offset 4) has id %d; expected 0 to 4095".formatted(id),
          "logits",
          "--ids",
          ids.toString(),
          "--out",
          out.toString());
      assertRefused(
          "token 1 (byte offset 4) has id %d; expected 0 to 4095".formatted(id),
          "perplexity",
          "--ids",
          ids.toString(),
          "--nll-out",
          out.toString());
    }
    for (int size : List.of(0, 1, 7)) {
      Path ids = Files.write(directory.resolve("ids"), new byte[size]);
      assertRefused(
          size + " bytes; expected token ids of 4 bytes each",
          "perplexity",
          "--ids",
          ids.toString());
    }
    assertRefused(
        "expected at least 2",
        "perplexity",
        "--ids",
        Cli.writeIds(directory.resolve("ids"), 1).toString());
    assertThat(out).doesNotExist();
  }

  @Test
  void outputsThatCannotBeWritten() throws IOException {
    String ids = Cli.writeIds(directory.resolve("ids"), 1, 2, 3).toString();
    Path lost = directory.resolve("gone/out");
    assertRefused("gone: no such file", "logits", "--ids", ids, "--out", lost.toString());
    assertRefused("gone: no such file", "perplexity", "--ids", ids, "--nll-out", lost.toString());
    assertRefused("a directory", "logits", "--ids", ids, "--out", directory.toString());
    try (Stream<Path> left = Files.list(directory)) {
      assertThat(left).containsExactly(directory.resolve("ids"));
    }
  }

  @Test
  void argumentsThatTheLocaleCannotRead() {
    assertThatThrownBy(() -> Main.refuseMangled("ANSI_X3.4-1968", "info", "caf\ufffd\ufffd"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'caf\ufffd\ufffd'")
        .hasMessageContaining("ANSI_X3.4-1968; expected a UTF-8 locale");
    Main.refuseMangled("ANSI_X3.4-1968", "info", "cafe");
    Main.refuseMangled("UTF-8", "info", "caf\ufffd");
  }

  @Test
  void chatLinesThatAreNoText() {
    byte[] lines = "/context\n\u00e9".getBytes(UTF_8);
    lines[lines.length - 1] = 'x';
    Cli.Result result = Cli.runWith(lines, "chat");
    assertThat(result.code()).isEqualTo(2);
    assertThat(result.err())
        .isEqualTo("error: standard input, line 2: not UTF-8 text: byte 0xc3 at offset 0\n");
  }
}
