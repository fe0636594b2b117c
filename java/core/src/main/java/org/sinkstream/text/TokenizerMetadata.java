package org.sinkstream.text;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.sinkstream.checkpoint.GgufKeys;
import org.sinkstream.error.CheckpointException;

/**
 * What a GGUF file says of a tokenizer ({@code tokenizer.ggml.*} in ggml's {@code docs/gguf.md}),
 * made from a {@code tokenizer.json}. {@link Tokenizer#open} of the file then encodes and decodes
 * as the {@code tokenizer.json} does, and llama.cpp encodes as it does, but for Unicode's
 * normalization form C, which it does not know.
 */
public final class TokenizerMetadata {
  /** Ids in a message. */
  private static final int SHOWN = 8;

  private TokenizerMetadata() {}

  /**
   * Makes the keys of a tokenizer. Byte-level BPE becomes {@code gpt2}, BPE with byte fallback
   * becomes {@code llama}, with scores in the place of merges. Ids without a token become unused
   * ones.
   *
   * @param tokenizerJson a {@code tokenizer.json}
   * @param vocabulary rows of the model's embedding; the list of tokens is as long
   * @param bos the token that begins a text; where the tokenizer adds one, it must be this
   * @param endOfText the tokens that end a text, that of the tokenizer first; at most three
   * @return by key, in the order to write: a {@code String} is a STRING, a {@code Boolean} a BOOL,
   *     an {@code Integer} a UINT32, a {@code List<String>} an array of STRING, an {@code int[]} an
   *     array of INT32, a {@code float[]} an array of FLOAT32
   * @throws CheckpointException if the file cannot be read, or asks for what a GGUF file cannot say
   */
  public static SequencedMap<String, Object> of(
      Path tokenizerJson, int vocabulary, OptionalInt bos, List<Integer> endOfText) {
    TokenizerJson json = TokenizerJson.read(tokenizerJson);
    try {
      GgufVocabulary converted = HuggingFaceVocabulary.read(json.root(), vocabulary);
      requireSameTokens(json, converted);
      SequencedMap<String, Object> metadata = new LinkedHashMap<>();
      putVocabulary(metadata, converted);
      putIds(metadata, converted, bos, endOfText);
      return Collections.unmodifiableSequencedMap(metadata);
    } catch (IllegalArgumentException unsupported) {
      throw new CheckpointException(
          tokenizerJson + ": cannot be written to a GGUF file: " + unsupported.getMessage(),
          unsupported);
    }
  }

  private static void putVocabulary(Map<String, Object> metadata, GgufVocabulary vocabulary) {
    TokenList tokens = vocabulary.tokens();
    switch (vocabulary.segmentation()) {
      case Segmentation.SentencePiece(List<Float> scores, boolean spacePrefix) -> {
        metadata.put(GgufKeys.TOKENIZER_MODEL, GgufVocabulary.SENTENCE_PIECE);
        metadata.put(GgufKeys.TOKENIZER_PRE, GgufVocabulary.DEFAULT_PRE);
        metadata.put(GgufKeys.ADD_SPACE_PREFIX, spacePrefix);
        metadata.put(GgufKeys.TOKEN_SCORES, floats(scores));
      }
      case Segmentation.ByteLevelBpe(PreTokenizer preTokenizer, List<Merge> merges) -> {
        metadata.put(GgufKeys.TOKENIZER_MODEL, GgufVocabulary.BYTE_LEVEL);
        metadata.put(GgufKeys.TOKENIZER_PRE, preTokenizer.ggufName());
        metadata.put(
            GgufKeys.MERGES,
            merges.stream().map(merge -> merge.left() + " " + merge.right()).toList());
      }
    }
    metadata.put(GgufKeys.TOKENS, tokens.texts());
    metadata.put(
        GgufKeys.TOKEN_TYPES, tokens.types().stream().mapToInt(TokenType::number).toArray());
  }

  private static float[] floats(List<Float> values) {
    float[] floats = new float[values.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values.get(i);
    }
    return floats;
  }

  private static void putIds(
      Map<String, Object> metadata,
      GgufVocabulary vocabulary,
      OptionalInt bos,
      List<Integer> endOfText) {
    SpecialFrame frame = vocabulary.frame();
    Optional<Integer> begins = bos.isPresent() ? Optional.of(bos.getAsInt()) : frame.first();
    requireNamed("begin", frame.first(), begins);
    List<Integer> ends = endOfText.isEmpty() ? frame.last().stream().toList() : endOfText;
    requireNamed("end", frame.last(), ends.stream().findFirst());
    if (ends.size() > GgufKeys.END_OF_TEXT_IDS.size()) {
      throw new IllegalArgumentException(
          "%d tokens end a text; expected at most %d"
              .formatted(ends.size(), GgufKeys.END_OF_TEXT_IDS.size()));
    }
    Map<String, Integer> ids = new LinkedHashMap<>();
    begins.ifPresent(id -> ids.put(GgufKeys.BOS_ID, id));
    for (int i = 0; i < ends.size(); i++) {
      ids.put(GgufKeys.END_OF_TEXT_IDS.get(i), ends.get(i));
    }
    vocabulary.unknown().ifPresent(id -> ids.put(GgufKeys.UNKNOWN_ID, id));
    ids.forEach((key, id) -> {
      if (id < 0 || id >= vocabulary.tokens().size()) {
        throw new IllegalArgumentException(
            "%s is %d; expected 0 to %d".formatted(key, id, vocabulary.tokens().size() - 1));
      }
      metadata.put(key, id);
    });
    metadata.put(GgufKeys.ADD_BOS, frame.first().isPresent());
    metadata.put(GgufKeys.ADD_EOS, frame.last().isPresent());
  }

  private static void requireNamed(String what, Optional<Integer> added, Optional<Integer> named) {
    if (added.isPresent() && !added.equals(named)) {
      throw new IllegalArgumentException(
          "texts %s with token %d, but the model's config names %d"
              .formatted(what, added.get(), named.orElseThrow()));
    }
  }

  /** Encodes and decodes the text of all tokens, run together and apart. */
  private static void requireSameTokens(TokenizerJson json, GgufVocabulary converted) {
    try (Tokenizer given = new Tokenizer(json);
        Tokenizer made = new Tokenizer(TokenizerJson.of(GgufTokenizerJson.of(converted)))) {
      int[] all = IntStream.range(0, given.size()).toArray();
      String[] texts = Arrays.stream(all).mapToObj(given::decode).toArray(String[]::new);
      requireSameText(json, given, made, all);
      for (String separator : List.of("", " ", "\n")) {
        // No space in front: Metaspace takes that for the mark which it would put there.
        String text = "." + String.join(separator, texts);
        int[] expected = given.encode(text, true);
        int[] found = made.encode(text, true);
        int at = Arrays.mismatch(expected, found);
        if (at >= 0) {
          throw new IllegalArgumentException(
              "read back, it would encode the text of its own tokens otherwise: %s, not %s"
                  .formatted(shown(found, at), shown(expected, at)));
        }
        requireSameText(json, given, made, expected);
      }
    }
  }

  private static void requireSameText(
      TokenizerJson json, Tokenizer given, Tokenizer made, int... ids) {
    if (!made.decode(ids).equals(given.decode(ids))) {
      throw new IllegalArgumentException(
          "read back, it would decode its own tokens otherwise; its decoder is %s"
              .formatted(json.root().path("decoder")));
    }
  }

  private static String shown(int[] ids, int from) {
    return Arrays.toString(Arrays.copyOfRange(ids, from, Math.min(from + SHOWN, ids.length)));
  }
}
