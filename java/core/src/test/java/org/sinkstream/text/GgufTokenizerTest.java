package org.sinkstream.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sinkstream.text.GgufVocabularies.BYTES;
import static org.sinkstream.text.GgufVocabularies.PIECES;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.testing.GgufBuilder;
import org.sinkstream.testing.Seed;

/** Tokenizers that GGUF files describe, on vocabularies small enough to follow by hand. */
class GgufTokenizerTest {
  private static final String[] SMALL = {"ab", "▁a", "bc", "abc", "▁", "a", "b", "c"};
  private static final int AB = PIECES;
  private static final int SPACE_A = PIECES + 1;
  private static final int ABC = PIECES + 3;
  private static final int SPACE = PIECES + 4;
  private static final int B = PIECES + 6;
  private static final int C = PIECES + 7;

  @TempDir Path folder;

  @Test
  void mergesTheNeighboursOfTheHighestScore() throws IOException {
    try (Tokenizer tokenizer = open(GgufVocabularies.sentencePiece(SMALL))) {
      assertThat(tokenizer.encode("abc")).containsExactly(SPACE, ABC);
      assertThat(tokenizer.encode("ac")).containsExactly(SPACE_A, C);
      assertThat(tokenizer.encode("b a")).containsExactly(SPACE, B, SPACE_A);
      assertThat(tokenizer.encode("abab", true)).containsExactly(1, SPACE, AB, AB);
      assertThat(tokenizer.encode("")).isEmpty();
      assertThat(tokenizer.decode(1, SPACE, ABC, SPACE_A)).isEqualTo("abc a");
    }
  }

  @Test
  void spellsWhatHasNoTokenInBytes() throws IOException {
    try (Tokenizer tokenizer = open(GgufVocabularies.sentencePiece(SMALL))) {
      int[] expected =
          Stream.of(IntStream.of(SPACE), bytes("é😀"), IntStream.of(B), bytes("\n"))
              .flatMapToInt(ids -> ids)
              .toArray();
      assertThat(tokenizer.encode("é😀b\n")).isEqualTo(expected);
      assertThat(tokenizer.decode(expected)).isEqualTo("é😀b\n");
      assertThat(tokenizer.encode("<0x41>")).doesNotContain(BYTES + 0x41);
    }
  }

  @Test
  void readsBytesInLowerCaseAndWritesUpper() throws IOException {
    int first = PIECES + SMALL.length;
    String[] pieces = Arrays.copyOf(SMALL, SMALL.length + 2);
    pieces[SMALL.length] = "<0xc3>";
    pieces[SMALL.length + 1] = "<0xa9>";
    int[] types = new int[first + 2];
    Arrays.fill(types, 0, PIECES, GgufVocabularies.BYTE);
    Arrays.fill(types, 0, BYTES, GgufVocabularies.CONTROL);
    Arrays.fill(types, PIECES, first, GgufVocabularies.NORMAL);
    Arrays.fill(types, first, types.length, GgufVocabularies.BYTE);
    GgufBuilder file =
        GgufVocabularies.sentencePiece(pieces).ints("tokenizer.ggml.token_type", types);
    try (Tokenizer tokenizer = open(file)) {
      assertThat(tokenizer.decode(B, first, first + 1)).isEqualTo("bé");
      assertThat(tokenizer.encode("é")).containsExactly(SPACE, BYTES + 0xC3, BYTES + 0xA9);
    }
  }

  @Test
  void putsASpaceInFrontUnlessTold() throws IOException {
    GgufBuilder file =
        GgufVocabularies.sentencePiece(SMALL).bool("tokenizer.ggml.add_space_prefix", false);
    try (Tokenizer tokenizer = open(file)) {
      assertThat(tokenizer.encode("abc b")).containsExactly(ABC, SPACE, B);
      assertThat(tokenizer.decode(SPACE_A, SPACE, B)).isEqualTo(" a b");
    }
  }

  @ParameterizedTest
  @CsvSource({"true, true", "true, false", "false, true", "false, false"})
  void framesATextAsTold(boolean bos, boolean eos) throws IOException {
    GgufBuilder file =
        GgufVocabularies.sentencePiece(SMALL)
            .bool("tokenizer.ggml.add_bos_token", bos)
            .bool("tokenizer.ggml.add_eos_token", eos);
    IntStream before = bos ? IntStream.of(1) : IntStream.empty();
    IntStream after = eos ? IntStream.of(2) : IntStream.empty();
    IntStream text = IntStream.of(SPACE, B);
    try (Tokenizer tokenizer = open(file)) {
      assertThat(tokenizer.encode("b", true))
          .isEqualTo(Stream.of(before, text, after).flatMapToInt(ids -> ids).toArray());
      assertThat(tokenizer.encode("b")).containsExactly(SPACE, B);
    }
  }

  @Test
  void tokenTypesSayWhatATokenIs() throws IOException {
    String[] pieces = Arrays.copyOf(SMALL, SMALL.length + 3);
    pieces[SMALL.length] = "<mark>";
    pieces[SMALL.length + 1] = "[PAD]";
    pieces[SMALL.length + 2] = "";
    int mark = PIECES + SMALL.length;
    int[] types = new int[mark + 3];
    Arrays.fill(types, 0, PIECES, GgufVocabularies.BYTE);
    Arrays.fill(types, 0, BYTES, GgufVocabularies.CONTROL);
    Arrays.fill(types, PIECES, types.length, GgufVocabularies.NORMAL);
    types[0] = GgufVocabularies.UNKNOWN;
    types[mark] = GgufVocabularies.USER_DEFINED;
    types[mark + 1] = GgufVocabularies.UNUSED;
    GgufBuilder file =
        GgufVocabularies.sentencePiece(pieces).ints("tokenizer.ggml.token_type", types);
    try (Tokenizer tokenizer = open(file)) {
      assertThat(tokenizer.encode("b<mark>b")).containsExactly(SPACE, B, mark, SPACE, B);
      assertThat(tokenizer.decode(SPACE, B, mark, mark + 1, mark + 2)).isEqualTo("b<mark>");
      assertThat(tokenizer.encode("</s>")).containsExactly(2);
      assertThat(tokenizer.decode(2, B)).isEqualTo("b");
      assertThat(IntStream.range(0, tokenizer.size()).filter(tokenizer::isSpecial))
          .containsExactly(0, 1, 2);
      assertThat(tokenizer.idOf("[PAD]")).isEmpty();
    }
  }

  /** Ranked merges against SentencePiece's own way, which has scores and no merges. */
  @Test
  void mergesLikeSentencePiece() throws IOException {
    Seed seed = Seed.of("mergesLikeSentencePiece");
    Random random = seed.random();
    for (int vocabulary = 0; vocabulary < 50; vocabulary++) {
      List<String> pieces = randomPieces(random);
      try (Tokenizer tokenizer = open(sentencePiece(pieces))) {
        for (int i = 0; i < 100; i++) {
          String text = randomText(random);
          assertThat(tokenizer.encode(text))
              .as("seed %s: '%s' in %s", seed, text, pieces)
              .isEqualTo(greedy(text, pieces, pieces::indexOf));
        }
      }
    }
  }

  /** Llama's runs of spaces have one score, and SentencePiece then merges from the left. */
  @ParameterizedTest
  @ValueSource(strings = {"2 4 8 6 10 7 16 5 14 12 3 15 11 9 13", "2 3", "3 2"})
  void runsOfSpacesGrowFromTheLeft(String lengths) throws IOException {
    List<String> pieces =
        new ArrayList<>(
            Stream.of(lengths.split(" ")).map(Integer::valueOf).map("▁"::repeat).toList());
    int runs = pieces.size();
    pieces.addAll(List.of("▁", "a"));
    float[] scores = new float[PIECES + pieces.size()];
    Arrays.fill(scores, PIECES, PIECES + runs, -1e9f);
    GgufBuilder file = sentencePiece(pieces).floats("tokenizer.ggml.scores", scores);
    try (Tokenizer tokenizer = open(file)) {
      for (int length = 0; length < 100; length++) {
        String text = " ".repeat(length) + "a";
        assertThat(tokenizer.encode(text))
            .as("%d spaces", length)
            .isEqualTo(greedy(text, pieces, piece -> 0));
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "gpt-2     | 1234,1234 | e,́",
        "mpt       | 1234,1234 | é",
        "olmo      | 1234,1234 | é",
        "falcon    | 123,4,123,4 | e,́",
        "llama-bpe | 123,4,123,4 | e,́",
        "qwen2     | 1,2,3,4,1,2,3,4 | é",
        "smollm    | 1,2,3,4,1,2,3,4 | e,́",
      })
  void cutsLikeThePreTokenizer(String pre, String digits, String accent) throws IOException {
    List<String> merges = List.of("1 2", "12 3", "123 4", "a b", "Ġ ab", "Ã ©", "Ì ģ");
    try (Tokenizer tokenizer = open(GgufVocabularies.byteLevel(pre, merges))) {
      assertThat(pieces(tokenizer, "1234-1234")).isEqualTo(digits.replace("4,1", "4,-,1"));
      assertThat(pieces(tokenizer, "e\u0301")).isEqualTo(accent);
      assertThat(pieces(tokenizer, "ab ab")).isEqualTo("ab, ab");
    }
  }

  @Test
  void llama3TakesWholeWordsAndBegins() throws IOException {
    List<String> merges = List.of("b c", "a bc");
    String begin = "<|begin_of_text|>";
    GgufBuilder file =
        GgufVocabularies.byteLevel("llama-bpe", merges, begin)
            .uint32("tokenizer.ggml.bos_token_id", 258)
            .strings("tokenizer.ggml.merges", "b c");
    try (Tokenizer tokenizer = open(file)) {
      assertThat(tokenizer.encode("abc", true)).containsExactly(258, 257);
      assertThat(tokenizer.encode("abcd")).containsExactly('a', 256, 'd');
      assertThat(tokenizer.encode(begin)).containsExactly(258);
      assertThat(tokenizer.isSpecial(258)).isTrue();
    }
    file.string("tokenizer.ggml.pre", "gpt-2");
    try (Tokenizer tokenizer = open(file)) {
      assertThat(tokenizer.encode("abc", true)).containsExactly('a', 256);
    }
  }

  @ParameterizedTest
  @CsvSource({"gpt2, 1234", "gptneox, 1234", "mpt, 1234", "falcon, '123,4'"})
  void theArchitectureSaysWhatADefaultDoesNot(String architecture, String expected)
      throws IOException {
    List<String> merges = List.of("1 2", "12 3", "123 4");
    GgufBuilder file =
        GgufVocabularies.byteLevel("default", merges).string("general.architecture", architecture);
    try (Tokenizer tokenizer = open(file)) {
      assertThat(pieces(tokenizer, "1234")).isEqualTo(expected);
    }
    try (Tokenizer tokenizer = open(file.without("tokenizer.ggml.pre"))) {
      assertThat(pieces(tokenizer, "1234")).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "Hello, world!\r\n", "😀 naïve ▁ \uFFFD", "a\u0000b"})
  void decodesWhatItEncodes(String text) throws IOException {
    try (Tokenizer spm = open(GgufVocabularies.sentencePiece(SMALL));
        Tokenizer bytes = open(GgufVocabularies.byteLevel("gpt-2", List.of("l l", "Ġ w")))) {
      assertThat(spm.decode(spm.encode(text))).isEqualTo(text.replace('▁', ' '));
      assertThat(bytes.decode(bytes.encode(text))).isEqualTo(text);
    }
  }

  @Test
  void aModelsTokenizerMayBeAbsent() throws IOException {
    GgufBuilder none = new GgufBuilder().string("general.architecture", "llama");
    Path file = Files.write(folder.resolve("vocabulary.gguf"), none.build());
    assertThat(Tokenizer.ofModel(file)).isEmpty();
    assertThatThrownBy(() -> Tokenizer.open(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(file + ": no tokenizer; expected the keys tokenizer.ggml.*");
    Files.write(file, none.string("tokenizer.ggml.model", "no_vocab").build());
    assertThat(Tokenizer.ofModel(file)).isEmpty();
    Files.write(file, GgufVocabularies.sentencePiece(SMALL).build());
    try (Tokenizer tokenizer = Tokenizer.ofModel(file).orElseThrow()) {
      assertThat(tokenizer.size()).isEqualTo(PIECES + SMALL.length);
    }
    assertThat(Tokenizer.ofModel(folder)).isEmpty();
    Files.writeString(folder.resolve("tokenizer.json"), TokenizerFiles.byteLevel());
    try (Tokenizer tokenizer = Tokenizer.ofModel(folder).orElseThrow()) {
      assertThat(tokenizer.size()).isEqualTo(257);
    }
  }

  private Tokenizer open(GgufBuilder file) throws IOException {
    return GgufVocabularies.open(file, folder);
  }

  private static GgufBuilder sentencePiece(List<String> pieces) {
    return GgufVocabularies.sentencePiece(pieces.toArray(String[]::new));
  }

  private static IntStream bytes(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return IntStream.range(0, bytes.length).map(i -> BYTES + (bytes[i] & 0xFF));
  }

  private static String pieces(Tokenizer tokenizer, String text) {
    return IntStream.of(tokenizer.encode(text))
        .mapToObj(tokenizer::decode)
        .collect(Collectors.joining(","));
  }

  private static List<String> randomPieces(Random random) {
    Set<String> pieces = new LinkedHashSet<>(List.of("a", "b", "▁"));
    while (pieces.size() < 40) {
      pieces.add(randomString(random, "ab▁", 2 + random.nextInt(5)));
    }
    List<String> shuffled = new ArrayList<>(pieces);
    Collections.shuffle(shuffled, random);
    return shuffled;
  }

  private static String randomText(Random random) {
    return randomString(random, "ab ", random.nextInt(30));
  }

  private static String randomString(Random random, String alphabet, int length) {
    return random
        .ints(length, 0, alphabet.length())
        .mapToObj(i -> alphabet.substring(i, i + 1))
        .collect(Collectors.joining());
  }

  /**
   * Merges as SentencePiece does: again and again the neighbours whose union ranks first, of equal
   * ones the leftmost.
   */
  private static int[] greedy(String text, List<String> pieces, ToIntFunction<String> rank) {
    String marked = text.isEmpty() ? "" : ("▁" + text).replace(' ', '▁');
    List<String> symbols = new ArrayList<>(List.of(marked.split("")));
    while (true) {
      int best = -1;
      for (int i = 0; i + 1 < symbols.size(); i++) {
        String union = symbols.get(i) + symbols.get(i + 1);
        if (pieces.contains(union)
            && (best < 0
                || rank.applyAsInt(union)
                    < rank.applyAsInt(symbols.get(best) + symbols.get(best + 1)))) {
          best = i;
        }
      }
      if (best < 0) {
        return symbols.stream()
            .filter(symbol -> !symbol.isEmpty())
            .mapToInt(symbol -> PIECES + pieces.indexOf(symbol))
            .toArray();
      }
      symbols.set(best, symbols.get(best) + symbols.remove(best + 1));
    }
  }
}
