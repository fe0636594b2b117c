package org.sinkstream.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.testing.GgufBuilder;
import org.sinkstream.testing.Seed;

/**
 * Whatever a file's metadata say, the tokenizer encodes any text, or is refused with the typed
 * exception. The library behind it ends the process over some things, which must not get there.
 */
class GgufTokenizerFuzzTest {
  private static final int FILES = 1500;
  private static final List<String> ODD =
      List.of(
          "",
          " ",
          "▁",
          "▁▁",
          "a",
          "ab",
          "<unk>",
          "<s>",
          "<0x41>",
          "<0xZZ>",
          "\u0000",
          "\uFFFD",
          "a b",
          "\"",
          "\\",
          "é",
          "\u0301",
          "Ġ",
          "x".repeat(300),
          "A",
          "$A",
          "{}",
          "\n");

  @TempDir Path folder;

  @Test
  void encodesOrIsRefused() throws IOException {
    Seed seed = Seed.of("GgufTokenizerFuzzTest");
    Random random = seed.random();
    int opened = 0;
    for (int i = 0; i < FILES; i++) {
      GgufBuilder file = random.nextBoolean() ? sentencePiece(random) : byteLevel(random);
      flag(random, file, "add_bos_token");
      flag(random, file, "add_eos_token");
      flag(random, file, "add_space_prefix");
      file.uint32("tokenizer.ggml.bos_token_id", random.nextInt(12));
      file.uint32("tokenizer.ggml.eos_token_id", random.nextInt(12));
      if (random.nextBoolean()) {
        file.uint32("tokenizer.ggml.unknown_token_id", random.nextInt(12));
      }
      try (Tokenizer tokenizer = GgufVocabularies.open(file, folder)) {
        opened++;
        for (int j = 0; j < 10; j++) {
          int[] ids = tokenizer.encode(text(random), true);
          assertThat(IntStream.of(ids)).as("seed %s", seed).allMatch(id -> id < tokenizer.size());
          assertThat(tokenizer.decode(ids)).isNotNull();
        }
      } catch (CheckpointException refused) {
        assertThat(refused).as("seed %s", seed).hasMessageContaining("vocabulary.gguf: ");
      }
    }
    assertThat(opened).as("seed %s", seed).isBetween(FILES / 10, FILES * 9 / 10);
  }

  private static GgufBuilder sentencePiece(Random random) {
    int size = 12 + random.nextInt(20);
    float[] scores = new float[size];
    for (int i = 0; i < size; i++) {
      scores[i] = random.nextInt(20) == 0 ? Float.NEGATIVE_INFINITY : -random.nextInt(5);
    }
    return GgufVocabularies.sentencePiece()
        .strings("tokenizer.ggml.tokens", tokens(random, size))
        .floats("tokenizer.ggml.scores", scores)
        .ints("tokenizer.ggml.token_type", types(random, size, GgufVocabularies.BYTE));
  }

  private static GgufBuilder byteLevel(Random random) {
    String[] pre = {"gpt-2", "mpt", "falcon", "llama-bpe", "qwen2", "smollm"};
    int size = 12 + random.nextInt(20);
    String[] tokens = tokens(random, size);
    List<String> merges = new ArrayList<>();
    for (int i = random.nextInt(3); i > 0; i--) {
      String token = tokens[random.nextInt(size)];
      int cut = random.nextInt(token.length() + 1);
      merges.add(token.substring(0, cut) + " " + token.substring(cut));
    }
    return GgufVocabularies.byteLevel(pre[random.nextInt(pre.length)], List.of())
        .strings("tokenizer.ggml.tokens", tokens)
        .strings("tokenizer.ggml.merges", merges.toArray(String[]::new))
        .ints("tokenizer.ggml.token_type", types(random, size, GgufVocabularies.UNUSED));
  }

  /** Mostly different from one another. */
  private static String[] tokens(Random random, int size) {
    return IntStream.range(0, size)
        .mapToObj(i ->
            random.nextInt(size) == 0
                ? ODD.get(random.nextInt(ODD.size()))
                : Integer.toString(i, 36) + "ab▁".substring(0, random.nextInt(4)))
        .toArray(String[]::new);
  }

  private static int[] types(Random random, int size, int most) {
    return random
        .ints(size, 0, 4)
        .map(kind -> kind == 0 ? 1 + random.nextInt(most) : GgufVocabularies.NORMAL)
        .toArray();
  }

  private static void flag(Random random, GgufBuilder file, String name) {
    if (random.nextBoolean()) {
      file.bool("tokenizer.ggml." + name, random.nextBoolean());
    }
  }

  private static String text(Random random) {
    return random
        .ints(random.nextInt(20), 0, ODD.size() + 20)
        .mapToObj(i -> i < ODD.size() ? ODD.get(i) : Integer.toString(i, 36))
        .collect(Collectors.joining());
  }
}
