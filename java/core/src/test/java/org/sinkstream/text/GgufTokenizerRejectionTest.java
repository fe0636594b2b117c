package org.sinkstream.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.testing.GgufBuilder;

/**
 * What is refused of {@code tokenizer.ggml.*}, each with the file, the key and what was expected.
 */
class GgufTokenizerRejectionTest {
  private static final String PREFIX = "tokenizer.ggml.";
  private static final int SIZE = GgufVocabularies.PIECES + 2;

  @TempDir Path folder;

  @ParameterizedTest
  @MethodSource
  void refusesOfSentencePiece(Consumer<GgufBuilder> damage, String message) throws IOException {
    refuses(GgufVocabularies.sentencePiece("▁", "a"), damage, message);
  }

  static Stream<Arguments> refusesOfSentencePiece() {
    float[] nan = new float[SIZE];
    nan[7] = Float.NaN;
    int[] types = new int[SIZE];
    Arrays.fill(types, GgufVocabularies.NORMAL);
    int[] noSuchType = types.clone();
    noSuchType[5] = 7;
    int[] unusedUnknown = types.clone();
    unusedUnknown[0] = GgufVocabularies.UNUSED;
    int[] wrongByte = types.clone();
    wrongByte[1] = GgufVocabularies.BYTE;
    return Stream.of(
        without("model", "model is missing; expected a string"),
        with(
            file -> file.string(PREFIX + "model", "t5"),
            "model is \"t5\"; expected llama (SentencePiece) or gpt2 (byte-level BPE)"),
        with(file -> file.uint32(PREFIX + "model", 1), "model is 1 (UINT32); expected a string"),
        without("tokens", "tokens is missing; expected an array of strings"),
        with(
            file -> file.string(PREFIX + "tokens", "a"),
            "tokens is \"a\"; expected an array of strings"),
        with(
            file -> file.strings(PREFIX + "tokens"),
            "tokens is an array of 0 STRING; expected 1 to 16777216 tokens"),
        with(
            file -> file.strings(PREFIX + "tokens", "a", "b"),
            "token_type is an array of %d INT32; expected one for each of the 2 tokens"
                .formatted(SIZE)),
        with(
            file ->
                file.strings(PREFIX + "tokens", "a", "b", "a").ints(PREFIX + "token_type", 1, 1, 1),
            "tokens is an array of 3 STRING; expected no token twice; token 'a' is both 0 and 2"),
        without("token_type", "token_type is missing; expected an array of INT32 or UINT32"),
        with(
            file -> file.floats(PREFIX + "token_type", 1),
            "token_type is an array of 1 FLOAT32; expected an array of INT32 or UINT32"),
        with(
            file -> file.ints(PREFIX + "token_type", noSuchType),
            "token_type is an array of %d INT32; expected each to be 1 to 6; that of token 5 is 7"
                .formatted(SIZE)),
        with(
            file -> file.ints(PREFIX + "token_type", wrongByte),
            "tokens is an array of %d STRING; expected each of type BYTE to be <0x00> to <0xFF>; token 1 is '<s>'"
                .formatted(SIZE)),
        without("scores", "scores is missing; expected an array of FLOAT32"),
        with(
            file -> file.floats(PREFIX + "scores", 1, 2),
            "scores is an array of 2 FLOAT32; expected one for each of the %d tokens"
                .formatted(SIZE)),
        with(
            file -> file.floats(PREFIX + "scores", nan),
            "scores is an array of %d FLOAT32; expected numbers; that of token 7 is NaN"
                .formatted(SIZE)),
        without(
            "bos_token_id",
            "bos_token_id is missing; expected the id of one of the %d tokens, and not an unused one"
                .formatted(SIZE)),
        with(
            file -> file.uint32(PREFIX + "bos_token_id", SIZE),
            "bos_token_id is %d (UINT32); expected the id of one of the %d tokens, and not an unused one"
                .formatted(SIZE, SIZE)),
        with(
            file -> file.string(PREFIX + "bos_token_id", "<s>"),
            "bos_token_id is \"<s>\"; expected a whole number below 2^63"),
        with(
            file -> file.bool(PREFIX + "add_eos_token", true).uint32(PREFIX + "eos_token_id", -1),
            "eos_token_id is 4294967295 (UINT32); expected the id of one of the %d tokens, and not an unused one"
                .formatted(SIZE)),
        with(
            file -> file.uint32(PREFIX + "unknown_token_id", 70_000),
            "unknown_token_id is 70000 (UINT32); expected the id of one of the %d tokens, and not an unused one"
                .formatted(SIZE)),
        with(
            file ->
                file.ints(PREFIX + "token_type", unusedUnknown)
                    .uint32(PREFIX + "unknown_token_id", 0),
            "unknown_token_id is 0 (UINT32); expected the id of one of the %d tokens, and not an unused one"
                .formatted(SIZE)),
        with(
            file -> file.uint32(PREFIX + "add_bos_token", 1),
            "add_bos_token is 1 (UINT32); expected true or false"),
        with(
            file -> file.string(PREFIX + "add_space_prefix", "yes"),
            "add_space_prefix is \"yes\"; expected true or false"));
  }

  @ParameterizedTest
  @MethodSource
  void refusesOfByteLevel(Consumer<GgufBuilder> damage, String message) throws IOException {
    refuses(GgufVocabularies.byteLevel("gpt-2", List.of("a b")), damage, message);
  }

  static Stream<Arguments> refusesOfByteLevel() {
    String pairs = "expected each to be two tokens whose union is a token; number ";
    String names =
        "expected one of gpt-2, mpt, olmo, falcon, llama-bpe, llama-v3, llama3, qwen2,"
            + " deepseek-r1-qwen, smollm (default names none for this architecture)";
    return Stream.of(
        with(file -> file.string(PREFIX + "pre", "tekken"), "pre is \"tekken\"; " + names),
        with(file -> file.string(PREFIX + "pre", "default"), "pre is \"default\"; " + names),
        without("pre", "pre is missing; " + names),
        with(file -> file.bool(PREFIX + "pre", true), "pre is true (BOOL); expected a string"),
        without("merges", "merges is missing; expected an array of strings"),
        with(
            file -> file.ints(PREFIX + "merges", 1),
            "merges is an array of 1 INT32; expected an array of strings"),
        with(
            file -> file.strings(PREFIX + "merges", "a b", "ab"),
            "merges is an array of 2 STRING; " + pairs + "1 is 'ab'"),
        with(
            file -> file.strings(PREFIX + "merges", "a zz"),
            "merges is an array of 1 STRING; " + pairs + "0 is 'a zz'"),
        with(
            file -> file.strings(PREFIX + "merges", "a c"),
            "merges is an array of 1 STRING; " + pairs + "0 is 'a c'"),
        with(
            file -> file.strings(PREFIX + "merges", ""),
            "merges is an array of 1 STRING; " + pairs + "0 is ''"),
        with(
            file -> file.bool(PREFIX + "add_bos_token", true).without(PREFIX + "bos_token_id"),
            "bos_token_id is missing; expected the id of one of the 257 tokens, and not an unused one"));
  }

  private void refuses(GgufBuilder file, Consumer<GgufBuilder> damage, String message)
      throws IOException {
    try (Tokenizer tokenizer = GgufVocabularies.open(file, folder)) {
      assertThat(tokenizer.encode("a")).isNotEmpty();
    }
    damage.accept(file);
    assertThatThrownBy(() -> GgufVocabularies.open(file, folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessage("%s: %s%s", folder.resolve("vocabulary.gguf"), PREFIX, message);
  }

  private static Arguments with(Consumer<GgufBuilder> damage, String message) {
    return Arguments.of(damage, message);
  }

  private static Arguments without(String key, String message) {
    return with(file -> file.without(PREFIX + key), message);
  }
}
