package org.sinkstream.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.testing.SharedData;
import tools.jackson.databind.json.JsonMapper;

class TokenizerTest {
  private static final Path LLAMA_MINI =
      SharedData.project("models/llama-mini").resolve("tokenizer.json");
  private static final int BEGIN = 1;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "Hello, world!",
        "  two in front, two behind  ",
        "tabs\tand\nlines\r\n\n",
        "a\u0000b",
        "😀😶‍🌫️🦙",
        "我想在apple工作，漢字とかな",
        "e\u0301 n\u0303 \u0915\u094d\u0937",
        "▁ is no space, and \uFFFD is a character",
        "<0xE2> is text"
      })
  void decodesWhatItEncodes(String text) throws IOException {
    Path byteLevel =
        Files.writeString(folder.resolve("tokenizer.json"), TokenizerFiles.byteLevel());
    try (Tokenizer llama = Tokenizer.open(LLAMA_MINI);
        Tokenizer bytes = Tokenizer.open(byteLevel)) {
      // SentencePiece's mark for a space is one itself once it has been through the tokenizer.
      assertThat(llama.decode(llama.encode(text))).isEqualTo(text.replace('▁', ' '));
      assertThat(bytes.decode(bytes.encode(text))).isEqualTo(text);
    }
  }

  @Test
  void addsSpecialTokensWhenAsked() {
    try (Tokenizer tokenizer = Tokenizer.open(LLAMA_MINI)) {
      int[] plain = tokenizer.encode("It was a dark night");
      int[] begun = tokenizer.encode("It was a dark night", true);
      assertThat(begun[0]).isEqualTo(BEGIN).isEqualTo(tokenizer.idOf("<s>").orElseThrow());
      assertThat(Arrays.copyOfRange(begun, 1, begun.length)).isEqualTo(plain);
      assertThat(plain).doesNotContain(BEGIN);
      assertThat(tokenizer.decode(begun)).isEqualTo("It was a dark night");
      assertThat(tokenizer.decode(IntStream.of(begun).boxed().toList()))
          .isEqualTo("It was a dark night");
    }
  }

  @Test
  void knowsItsVocabulary() {
    try (Tokenizer tokenizer = Tokenizer.open(LLAMA_MINI)) {
      assertThat(tokenizer.size()).isEqualTo(4096);
      assertThat(IntStream.range(-1, 5000).filter(tokenizer::isSpecial))
          .containsExactly(0, 1, 2, 3);
      assertThat(tokenizer.idOf("▁the")).contains(tokenizer.encode("the")[0]);
      assertThat(tokenizer.idOf("no such token")).isEmpty();
    }
  }

  @Test
  void neitherTruncatesNorPadsWhateverTheFileSays() throws IOException {
    String json = Files.readString(LLAMA_MINI);
    String limited =
        json.replaceFirst(
                "\"truncation\": *null",
                """
                "truncation": {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
                """)
            .replaceFirst(
                "\"padding\": *null",
                """
                "padding": {"strategy": {"Fixed": 64}, "direction": "Right", "pad_to_multiple_of": null,
                  "pad_id": 0, "pad_type_id": 0, "pad_token": "<unk>"}
                """);
    assertThat(limited).contains("\"max_length\": 8", "\"Fixed\": 64");
    Path file = Files.writeString(folder.resolve("tokenizer.json"), limited);
    String text = "The end of it is not in sight. ".repeat(2000);
    try (Tokenizer plain = Tokenizer.open(LLAMA_MINI);
        Tokenizer tokenizer = Tokenizer.open(file)) {
      assertThat(tokenizer.encode("Yes", true)).isEqualTo(plain.encode("Yes", true)).hasSize(3);
      int[] ids = tokenizer.encode(text);
      assertThat(ids).isEqualTo(plain.encode(text)).hasSizeGreaterThan(10_000);
      assertThat(tokenizer.decode(ids)).isEqualTo(text);
    }
  }

  @Test
  void encodesANovelAtOnce() throws IOException {
    String novel = Files.readString(SharedData.require("text/stoker-dracula.txt"));
    try (Tokenizer tokenizer = Tokenizer.open(LLAMA_MINI)) {
      int[] ids = tokenizer.encode(novel);
      assertThat(ids).hasSizeGreaterThan(200_000);
      assertThat(tokenizer.decode(ids)).isEqualTo(novel);
    }
  }

  @Test
  void unpairedSurrogatesCountAsReplacementCharacters() {
    try (Tokenizer tokenizer = Tokenizer.open(LLAMA_MINI)) {
      assertThat(tokenizer.encode("a\uD83D b\uDE00"))
          .isEqualTo(tokenizer.encode("a\uFFFD b\uFFFD"));
    }
  }

  @Test
  void encodesFromManyThreads() throws Exception {
    try (Tokenizer tokenizer = Tokenizer.open(LLAMA_MINI);
        ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<String> texts =
          IntStream.range(0, 200).mapToObj(i -> "number %d, twice %d".formatted(i, 2 * i)).toList();
      List<int[]> alone = texts.stream().map(tokenizer::encode).toList();
      List<Callable<List<int[]>>> tasks = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        tasks.add(() -> texts.stream().map(tokenizer::encode).toList());
      }
      for (Future<List<int[]>> encoded : threads.invokeAll(tasks)) {
        assertThat(encoded.get().toArray(int[][]::new)).isDeepEqualTo(alone.toArray(int[][]::new));
      }
    }
  }

  @Test
  void closingWaitsForEncodingsAndEndsThem() throws Exception {
    Tokenizer tokenizer = Tokenizer.open(LLAMA_MINI);
    int[] ids = tokenizer.encode("so be it");
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      Callable<Boolean> encodeUntilClosed =
          () -> {
            try {
              while (Arrays.equals(tokenizer.encode("so be it"), ids)) {}
              return false;
            } catch (IllegalStateException closed) {
              return true;
            }
          };
      List<Future<Boolean>> running =
          List.of(threads.submit(encodeUntilClosed), threads.submit(encodeUntilClosed));
      Thread.sleep(50);
      tokenizer.close();
      tokenizer.close();
      for (Future<Boolean> ended : running) {
        assertThat(ended.get()).isTrue();
      }
    }
    assertThatThrownBy(() -> tokenizer.encode("so be it"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the tokenizer is closed");
    assertThat(tokenizer.decode(ids)).isEqualTo("so be it");
  }

  @Test
  void lendsPropertiesAndTakesThemBack() {
    String set = "sinkstream.test.set";
    String unset = "sinkstream.test.unset";
    System.setProperty(set, "before");
    try {
      assertThatThrownBy(() ->
              NativeTokenizer.withProperties(
                  Map.of(set, "during", unset, "during"),
                  () -> {
                    throw new IllegalStateException(
                        System.getProperty(set) + System.getProperty(unset));
                  }))
          .hasMessage("duringduring");
      assertThat(System.getProperty(set)).isEqualTo("before");
      assertThat(System.getProperty(unset)).isNull();
    } finally {
      System.clearProperty(set);
    }
  }

  @Test
  void refusesAMissingFile() {
    Path file = folder.resolve("tokenizer.json");
    assertThatThrownBy(() -> Tokenizer.open(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(file + ": no such file");
    assertThatThrownBy(() -> Tokenizer.open(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(folder + ": cannot be read: Is a directory");
  }

  @Test
  void refusesWhatIsNotText() throws IOException {
    Path file = Files.write(folder.resolve("tokenizer.json"), new byte[] {'{', (byte) 0xFF, '}'});
    assertThatThrownBy(() -> Tokenizer.open(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(file + ": not UTF-8 text");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 100, 5_000, 115_000})
  void refusesAFileCutShort(int length) throws IOException {
    String json = Files.readString(LLAMA_MINI);
    Path file = Files.writeString(folder.resolve("tokenizer.json"), json.substring(0, length));
    assertThatThrownBy(() -> Tokenizer.open(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(file + ": ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"BPE\"      | \"Unigram\"   | model 'Unigram'; supported is BPE",
        "\"vocab\"    | \"words\"     | model.vocab is missing, empty or no object",
        "\"Ġ\":32     | \"Ġ\":-1      | token 'Ġ' has id -1; expected 0 to 16,777,215",
        "\"Ġ\":32     | \"Ġ\":1e9     | token 'Ġ' has id 1.0E9; expected 0 to 16,777,215",
        "\"Ġ\":32     | \"Ġ\":\"x\"   | token 'Ġ' has id \"x\"; expected 0 to 16,777,215",
        "\"content\"  | \"text\"      | an added token has content ",
        "\"decoder\"  | \"decodes\"   | decoder 'none'; supported are ByteLevel and Replace,",
        "\"merges\": []| \"merges\": [\"a zz\"] | Token `zz` out of vocabulary",
      })
  void refusesWhatItDoesNotSupport(String part, String instead, String reason) throws IOException {
    String json = TokenizerFiles.byteLevel();
    assertThat(json).contains(part);
    Path file = Files.writeString(folder.resolve("tokenizer.json"), json.replace(part, instead));
    assertThatThrownBy(() -> Tokenizer.open(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(file + ": no tokenizer that is supported: ")
        .hasMessageContaining(reason);
  }

  /** With such a file the library would end the process. */
  @Test
  void refusesATemplateOfATokenThatIsNotDefined() throws IOException {
    String json = Files.readString(LLAMA_MINI);
    String part = "\"SpecialToken\":{\"id\":\"<s>\"";
    String compact = JsonMapper.shared().readTree(json).toString();
    assertThat(compact).contains(part);
    Path file =
        Files.writeString(
            folder.resolve("tokenizer.json"), compact.replace(part, part.replace("<s>", "<b>")));
    assertThatThrownBy(() -> Tokenizer.open(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("post_processor template single names '<b>'");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"type\":\"WordPiece\"} | decoder 'WordPiece'",
        "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"x\"},\"content\":\"\"} | pattern"
            + " {\"Regex\":\"x\"}",
        "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0} | step Strip out of order",
        "{\"type\":\"Fuse\"},{\"type\":\"ByteFallback\"} | step ByteFallback out of order",
        "{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":0,\"stop\":1} |"
            + " decoder Strip {",
      })
  void refusesStepsItDoesNotSupport(String steps, String reason) throws IOException {
    String sequence =
        "\"decoder\": {\"type\": \"Sequence\", \"decoders\": [" + steps + "]}, \"x\":";
    Path file =
        Files.writeString(
            folder.resolve("tokenizer.json"),
            TokenizerFiles.byteLevel().replace("\"decoder\":", sequence));
    assertThatThrownBy(() -> Tokenizer.open(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(reason);
  }
}
