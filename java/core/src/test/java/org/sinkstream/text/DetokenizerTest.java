package org.sinkstream.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.testing.SharedData;

/** Streams against whole texts, and those against the Hugging Face library's own decoding. */
class DetokenizerTest {
  private static final Path LLAMA_MINI =
      SharedData.project("models/llama-mini").resolve("tokenizer.json");
  private static final int STREAMS = 400;
  private static final int LONGEST = 300;

  @TempDir Path folder;

  @BeforeAll
  static void keepTheOracleOffline() {
    System.setProperty("ai.djl.offline", "true");
  }

  @Test
  void decodesRandomTokensOfLlamaMini() throws IOException {
    decodesRandomTokens(LLAMA_MINI);
  }

  @Test
  void decodesRandomBytes() throws IOException {
    decodesRandomTokens(byteLevel());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "models/falcon-mini",
        "models/pythia-mini",
        "models/pythia-sinktoken-mini",
        "tokenizers/llama2",
        "tokenizers/falcon",
        "tokenizers/pythia"
      })
  void decodesRandomTokensOf(String model) throws IOException {
    decodesRandomTokens(SharedData.require(model).resolve("tokenizer.json"));
  }

  @Test
  void emitsACharacterWithItsLastByte() {
    try (Tokenizer tokenizer = Tokenizer.open(LLAMA_MINI)) {
      Detokenizer detokenizer = tokenizer.newDetokenizer();
      assertThat(bytes(tokenizer, "x😀é").mapToObj(detokenizer::accept).toArray(String[]::new))
          .containsExactly("x", "", "", "", "😀", "", "é");
      assertThat(detokenizer.flush()).isEmpty();
    }
  }

  @Test
  void replacesBytesThatNeverBecomeACharacter() throws IOException {
    try (Tokenizer llama = Tokenizer.open(LLAMA_MINI);
        Tokenizer bytes = Tokenizer.open(byteLevel())) {
      int[] halfAnEmoji = bytes(llama, "😀").limit(3).toArray();
      int word = llama.idOf("▁the").orElseThrow();
      Detokenizer detokenizer = llama.newDetokenizer(halfAnEmoji);
      assertThat(detokenizer.accept(word)).isEqualTo("\uFFFD\uFFFD\uFFFD the");
      Arrays.stream(halfAnEmoji).forEach(id -> assertThat(detokenizer.accept(id)).isEmpty());
      assertThat(detokenizer.flush()).isEqualTo("\uFFFD\uFFFD\uFFFD");
      assertThat(detokenizer.flush()).isEmpty();
      assertThat(bytes.decode(0xF0, 0x9F, 0x98, 'x', 0xED, 0xA0, 0x80, 0xC0))
          .isEqualTo("\uFFFDx\uFFFD\uFFFD\uFFFD\uFFFD");
    }
  }

  /** Where the library gives up a whole run of byte tokens, what is well formed in it stays. */
  @Test
  void keepsTheCharactersOfAnIllFormedRun() {
    try (Tokenizer tokenizer = Tokenizer.open(LLAMA_MINI)) {
      int stray = tokenizer.idOf("<0xFF>").orElseThrow();
      int[] run = IntStream.concat(bytes(tokenizer, "é"), IntStream.of(stray)).toArray();
      assertThat(tokenizer.decode(run)).isEqualTo("é\uFFFD");
    }
  }

  @Test
  void dropsLlamasFirstSpaceOnlyAtTheVeryStart() {
    try (Tokenizer tokenizer = Tokenizer.open(LLAMA_MINI)) {
      int the = tokenizer.idOf("▁the").orElseThrow();
      int begin = tokenizer.idOf("<s>").orElseThrow();
      Detokenizer start = tokenizer.newDetokenizer();
      assertThat(start.accept(the)).isEqualTo("the");
      assertThat(start.accept(the)).isEqualTo(" the");
      assertThat(start.accept(begin)).isEmpty();
      assertThat(start.accept(the)).isEqualTo(" the");
      assertThat(tokenizer.newDetokenizer(begin).accept(the)).isEqualTo("the");
      assertThat(tokenizer.newDetokenizer(tokenizer.encode("It is", true)).accept(the))
          .isEqualTo(" the");
    }
  }

  @Test
  void completesACharacterThatThePromptBegan() {
    try (Tokenizer tokenizer = Tokenizer.open(LLAMA_MINI)) {
      int[] emoji = bytes(tokenizer, "😀").toArray();
      Detokenizer detokenizer = tokenizer.newDetokenizer(Arrays.copyOf(emoji, 3));
      assertThat(detokenizer.accept(emoji[3])).isEqualTo("😀");
    }
  }

  @Test
  void passesOverTokensWithoutText() {
    try (Tokenizer tokenizer = Tokenizer.open(LLAMA_MINI)) {
      Detokenizer detokenizer = tokenizer.newDetokenizer();
      assertThat(detokenizer.accept(tokenizer.idOf("</s>").orElseThrow())).isEmpty();
      assertThat(detokenizer.accept(tokenizer.size())).isEmpty();
      assertThat(detokenizer.accept(Integer.MAX_VALUE)).isEmpty();
      assertThatThrownBy(() -> detokenizer.accept(-1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("token id -1 is negative");
      assertThat(Detokenizer.none().accept(7)).isEmpty();
    }
  }

  private void decodesRandomTokens(Path file) throws IOException {
    Map<String, String> whole = Map.of("truncation", "false", "padding", "false");
    try (Tokenizer tokenizer = Tokenizer.open(file);
        HuggingFaceTokenizer library = HuggingFaceTokenizer.newInstance(file, whole)) {
      ByteTokens byteTokens = ByteTokens.of(tokenizer);
      for (long seed = 0; seed < STREAMS; seed++) {
        int[] ids = randomIds(new Random(seed), tokenizer, byteTokens);
        String expected =
            library.decode(IntStream.of(byteTokens.repair(ids)).asLongStream().toArray(), true);
        assertThat(stream(tokenizer, ids)).as("%s, seed %d", file, seed).isEqualTo(expected);
        assertThat(tokenizer.decode(ids)).as("%s, seed %d", file, seed).isEqualTo(expected);
      }
    }
  }

  private static int[] randomIds(Random random, Tokenizer tokenizer, ByteTokens byteTokens) {
    int[] ids = new int[random.nextInt(LONGEST)];
    // From none to nearly all of them bytes, so that runs of them are short as well as long.
    double share = byteTokens.ids().length == 0 ? 0 : random.nextDouble();
    boolean wellFormed = random.nextBoolean();
    for (int i = 0; i < ids.length; ) {
      if (random.nextDouble() >= share) {
        // A few beyond the end: models pad their vocabularies.
        ids[i++] = random.nextInt(tokenizer.size() + 8);
      } else if (!wellFormed) {
        ids[i++] = byteTokens.ids()[random.nextInt(256)];
      } else {
        String character = new String(Character.toChars(randomCodePoint(random)));
        for (int id : byteTokens.spell(character)) {
          if (i < ids.length) {
            ids[i++] = id;
          }
        }
      }
    }
    return ids;
  }

  private static int randomCodePoint(Random random) {
    int bits = 1 + random.nextInt(20);
    int codePoint = random.nextInt(1 << bits);
    return Character.isSurrogate((char) codePoint) && codePoint < 0x10000 ? 0xFFFD : codePoint;
  }

  private static String stream(Tokenizer tokenizer, int[] ids) {
    Detokenizer detokenizer = tokenizer.newDetokenizer();
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      String piece = detokenizer.accept(id);
      assertThat(StandardCharsets.UTF_16.newEncoder().canEncode(piece)).isTrue();
      text.append(piece);
    }
    return text.append(detokenizer.flush()).toString();
  }

  private static IntStream bytes(Tokenizer tokenizer, String text) {
    return IntStream.of(ByteTokens.of(tokenizer).spell(text));
  }

  private Path byteLevel() throws IOException {
    return Files.writeString(folder.resolve("tokenizer.json"), TokenizerFiles.byteLevel());
  }

  /** Llama's byte tokens {@code <0x00>} to {@code <0xFF>}; none in byte-level vocabularies. */
  private record ByteTokens(int[] ids, Tokenizer tokenizer) {
    static ByteTokens of(Tokenizer tokenizer) {
      return new ByteTokens(
          IntStream.range(0, 256)
              .mapToObj("<0x%02X>"::formatted)
              .flatMap(token -> tokenizer.idOf(token).stream())
              .mapToInt(Integer::intValue)
              .toArray(),
          tokenizer);
    }

    int[] spell(String text) {
      return spell(text.getBytes(StandardCharsets.UTF_8)).toArray();
    }

    /**
     * The same ids with every byte that belongs to no character spelled as U+FFFD: what {@link
     * Detokenizer} promises to give for an ill-formed run, in terms that the library decodes.
     */
    int[] repair(int[] tokens) {
      IntStream.Builder repaired = IntStream.builder();
      StringBuilder run = new StringBuilder();
      for (int token : tokens) {
        int value = valueOf(token);
        if (value >= 0) {
          run.append((char) value);
        } else {
          // The library passes over tokens without text; they end no run.
          if (token < tokenizer.size() && !tokenizer.isSpecial(token)) {
            repairRun(run).forEach(repaired);
            run.setLength(0);
          }
          repaired.add(token);
        }
      }
      repairRun(run).forEach(repaired);
      return repaired.build().toArray();
    }

    private int valueOf(int token) {
      return ids.length == 0 ? -1 : Arrays.binarySearch(ids, token);
    }

    private IntStream repairRun(CharSequence run) {
      byte[] bytes = run.toString().getBytes(StandardCharsets.ISO_8859_1);
      IntStream repaired = IntStream.empty();
      for (int i = 0; i < bytes.length; ) {
        int length = characterLength(bytes, i);
        repaired =
            IntStream.concat(
                repaired,
                length == 0
                    ? IntStream.of(spell("\uFFFD"))
                    : spell(Arrays.copyOfRange(bytes, i, i + length)));
        i += Math.max(1, length);
      }
      return repaired;
    }

    private IntStream spell(byte[] bytes) {
      return IntStream.range(0, bytes.length).map(i -> ids[bytes[i] & 0xFF]);
    }

    /** The length of the character that begins at {@code i}, 0 if none does. */
    private static int characterLength(byte[] bytes, int i) {
      for (int length = 1; length <= Math.min(4, bytes.length - i); length++) {
        try {
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, i, length));
          return length;
        } catch (CharacterCodingException malformed) {
          // a longer one may not be
        }
      }
      return 0;
    }
  }
}
