package org.sinkstream.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.sinkstream.testing.GgufBuilder;

/** Small GGUF files of nothing but a vocabulary, for tests. */
final class GgufVocabularies {
  static final int NORMAL = 1;
  static final int UNKNOWN = 2;
  static final int CONTROL = 3;
  static final int USER_DEFINED = 4;
  static final int UNUSED = 5;
  static final int BYTE = 6;

  /** Ids of {@link #sentencePiece}. */
  static final int BYTES = 3;

  /** The first of the pieces. */
  static final int PIECES = BYTES + 256;

  private GgufVocabularies() {}

  /** {@code <unk>}, {@code <s>}, {@code </s>}, 256 bytes, then pieces, the best first. */
  static GgufBuilder sentencePiece(String... pieces) {
    List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
    IntStream.range(0, 256).mapToObj("<0x%02X>"::formatted).forEach(tokens::add);
    tokens.addAll(List.of(pieces));
    float[] scores = new float[tokens.size()];
    int[] types = new int[tokens.size()];
    for (int id = 0; id < types.length; id++) {
      scores[id] = Math.min(0, PIECES - id);
      types[id] = id >= PIECES ? NORMAL : BYTE;
    }
    types[0] = UNKNOWN;
    types[1] = types[2] = CONTROL;
    return new GgufBuilder()
        .string("general.architecture", "llama")
        .string("tokenizer.ggml.model", "llama")
        .strings("tokenizer.ggml.tokens", tokens.toArray(String[]::new))
        .floats("tokenizer.ggml.scores", scores)
        .ints("tokenizer.ggml.token_type", types)
        .uint32("tokenizer.ggml.bos_token_id", 1)
        .uint32("tokenizer.ggml.eos_token_id", 2);
  }

  /**
   * 256 bytes, what the merges lead to, then more tokens, special ones.
   *
   * @param merges such as {@code "a b"}
   */
  static GgufBuilder byteLevel(String pre, List<String> merges, String... special) {
    List<String> tokens = new ArrayList<>();
    IntStream.range(0, 256).mapToObj(TokenizerFiles::standIn).forEach(tokens::add);
    merges.forEach(merge -> tokens.add(merge.replace(" ", "")));
    int[] types = new int[tokens.size() + special.length];
    Arrays.fill(types, NORMAL);
    Arrays.fill(types, tokens.size(), types.length, CONTROL);
    tokens.addAll(List.of(special));
    return new GgufBuilder()
        .string("general.architecture", "llama")
        .string("tokenizer.ggml.model", "gpt2")
        .string("tokenizer.ggml.pre", pre)
        .uint32("tokenizer.ggml.bos_token_id", 0)
        .strings("tokenizer.ggml.tokens", tokens.toArray(String[]::new))
        .ints("tokenizer.ggml.token_type", types)
        .strings("tokenizer.ggml.merges", merges.toArray(String[]::new));
  }

  /** Opens a file's tokenizer. */
  static Tokenizer open(GgufBuilder file, Path folder) throws IOException {
    return Tokenizer.open(Files.write(folder.resolve("vocabulary.gguf"), file.build()));
  }
}
