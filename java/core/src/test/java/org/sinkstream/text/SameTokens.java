package org.sinkstream.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.sinkstream.testing.Seed;

/** Whether two tokenizers are the same, by texts and tokens drawn at random. */
final class SameTokens {
  private static final int TEXTS = 1000;
  private static final int LONGEST = 40;

  /** Marks that compose and jamo that do: what Unicode normalization is about. */
  private static final List<String> COMBINING =
      List.of("\u0301", "\u0323", "\u0308", "\u1100", "\u1161", "\u11A8", "\u0344", "\u212B");

  private static final List<String> WORDS =
      List.of(
          " the",
          "Hello",
          " don't",
          "I'LL",
          " 1234567",
          "42",
          "...",
          "!?",
          " $x += y`z",
          "\r\n",
          "\n\n",
          "\t",
          " ",
          "   ",
          "\u00A0",
          "▁",
          "é",
          " naïve",
          "Ünïcödé",
          "漢字",
          "かな",
          "😀",
          "🦙\u200D",
          "\uFFFD",
          "<0xE2>",
          "<0x0A>",
          "\u0000",
          "Ġ",
          "\uD83D",
          "٣٤",
          "²³",
          "Ⅷ");

  private final Random random;

  private SameTokens(Random random) {
    this.random = random;
  }

  /**
   * Compares them: ids of texts, text of ids, at once and streamed, and which tokens are special.
   *
   * @param actual may have more tokens, as padding
   */
  static void check(Tokenizer actual, Tokenizer expected) {
    Seed seed = Seed.of("SameTokens");
    SameTokens texts = new SameTokens(seed.random());
    List<String> special = special(expected);
    for (int i = 0; i < TEXTS; i++) {
      String text = texts.text(special);
      assertThat(actual.encode(text, true))
          .as("seed %s: %s", seed, text)
          .isEqualTo(expected.encode(text, true));
      int[] ids = texts.ids(expected.size());
      String decoded = expected.decode(ids);
      assertThat(actual.decode(ids)).as("seed %s: %s", seed, ids).isEqualTo(decoded);
      assertThat(streamed(actual, ids)).as("seed %s: %s", seed, ids).isEqualTo(decoded);
    }
    assertThat(IntStream.range(0, actual.size()).filter(actual::isSpecial).toArray())
        .isEqualTo(IntStream.range(0, expected.size()).filter(expected::isSpecial).toArray());
    for (String token : special) {
      assertThat(actual.idOf(token)).isEqualTo(expected.idOf(token));
    }
  }

  private static List<String> special(Tokenizer tokenizer) {
    return List.of("<unk>", "<s>", "</s>", "<sink>", "<|endoftext|>", "<|padding|>", ">>TITLE<<")
        .stream()
        .filter(token -> tokenizer.idOf(token).isPresent())
        .toList();
  }

  private String text(List<String> special) {
    return random
        .ints(random.nextInt(LONGEST), 0, 100)
        .mapToObj(kind -> piece(kind, special))
        .collect(Collectors.joining());
  }

  private String piece(int kind, List<String> special) {
    if (kind < 50) {
      return any(WORDS);
    }
    if (kind < 60) {
      return " ".repeat(random.nextInt(40));
    }
    if (kind < 65) {
      return any(special);
    }
    if (kind < 75) {
      return any(COMBINING);
    }
    if (kind < 90) {
      return Character.toString('!' + random.nextInt('~' - '!' + 1));
    }
    // From ASCII to the last plane, each range as often.
    int bits = 1 + random.nextInt(20);
    return Character.toString(random.nextInt(1 << bits));
  }

  private String any(List<String> strings) {
    return strings.get(random.nextInt(strings.size()));
  }

  private int[] ids(int size) {
    return random.ints(random.nextInt(LONGEST), 0, size).toArray();
  }

  private static String streamed(Tokenizer tokenizer, int[] ids) {
    Detokenizer detokenizer = tokenizer.newDetokenizer();
    return IntStream.of(ids).mapToObj(detokenizer::accept).collect(Collectors.joining())
        + detokenizer.flush();
  }
}
