package org.sinkstream.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sinkstream.checkpoint.Config;
import org.sinkstream.checkpoint.GgufKeys;
import org.sinkstream.checkpoint.GgufMetadata;
import org.sinkstream.checkpoint.GgufTokens;
import org.sinkstream.error.CheckpointException;

/**
 * Reads the keys {@code tokenizer.ggml.*} of a GGUF file (ggml's {@code docs/gguf.md}). Flags that
 * are left out are what llama.cpp takes them for.
 */
final class GgufVocabularyReader {
  private final GgufMetadata metadata;
  private final TokenList tokens;

  private GgufVocabularyReader(GgufMetadata metadata) {
    this.metadata = metadata;
    this.tokens = tokens();
  }

  /**
   * Reads a tokenizer.
   *
   * @return nothing if the file has none
   * @throws CheckpointException if a key is missing, wrong, at odds with another or asks for what
   *     is not supported
   */
  static Optional<GgufVocabulary> read(GgufMetadata metadata) {
    if (!GgufTokens.arePresent(metadata)) {
      return Optional.empty();
    }
    return switch (metadata.string(GgufKeys.TOKENIZER_MODEL)) {
      case GgufVocabulary.SENTENCE_PIECE ->
          Optional.of(new GgufVocabularyReader(metadata).sentencePiece());
      case GgufVocabulary.BYTE_LEVEL -> Optional.of(new GgufVocabularyReader(metadata).byteLevel());
      default ->
          throw metadata.refuse(
              GgufKeys.TOKENIZER_MODEL, "llama (SentencePiece) or gpt2 (byte-level BPE)");
    };
  }

  private GgufVocabulary sentencePiece() {
    tokens
        .ofType(TokenType.BYTE)
        .filter(id -> !TokenType.isByte(tokens.text(id)))
        .findFirst()
        .ifPresent(id -> {
          throw metadata.refuse(
              GgufKeys.TOKENS,
              "each of type BYTE to be <0x00> to <0xFF>; token %d is '%s'"
                  .formatted(id, tokens.text(id)));
        });
    Optional<Integer> unknown =
        metadata.has(GgufKeys.UNKNOWN_ID)
            ? Optional.of(id(GgufKeys.UNKNOWN_ID))
            : tokens.ofType(TokenType.UNKNOWN).boxed().findFirst();
    return new GgufVocabulary(
        tokens,
        new Segmentation.SentencePiece(scores(), metadata.bool(GgufKeys.ADD_SPACE_PREFIX, true)),
        unknown,
        frame(true));
  }

  private GgufVocabulary byteLevel() {
    PreTokenizer preTokenizer = preTokenizer();
    return new GgufVocabulary(
        tokens,
        new Segmentation.ByteLevelBpe(preTokenizer, merges()),
        Optional.empty(),
        frame(preTokenizer.addsBos()));
  }

  private TokenList tokens() {
    List<String> texts = metadata.strings(GgufKeys.TOKENS);
    if (texts.isEmpty() || texts.size() > Config.MAX_SIZE) {
      throw metadata.refuse(GgufKeys.TOKENS, "1 to %d tokens".formatted(Config.MAX_SIZE));
    }
    int[] numbers = metadata.ints(GgufKeys.TOKEN_TYPES);
    requireOneForEach(GgufKeys.TOKEN_TYPES, numbers.length, texts.size());
    List<TokenType> types = new ArrayList<>(numbers.length);
    for (int number : numbers) {
      types.add(
          TokenType.numbered(number)
              .orElseThrow(() ->
                  metadata.refuse(
                      GgufKeys.TOKEN_TYPES,
                      "each to be 1 to %d; that of token %d is %d"
                          .formatted(TokenType.values().length, types.size(), number))));
    }
    try {
      return new TokenList(texts, types);
    } catch (IllegalArgumentException ambiguous) {
      throw metadata.refuse(GgufKeys.TOKENS, "no token twice; " + ambiguous.getMessage());
    }
  }

  private List<Float> scores() {
    float[] numbers = metadata.floats(GgufKeys.TOKEN_SCORES);
    requireOneForEach(GgufKeys.TOKEN_SCORES, numbers.length, tokens.size());
    List<Float> scores = new ArrayList<>(numbers.length);
    for (float number : numbers) {
      if (Float.isNaN(number)) {
        throw metadata.refuse(
            GgufKeys.TOKEN_SCORES, "numbers; that of token %d is NaN".formatted(scores.size()));
      }
      scores.add(number + 0f); // -0 is no less than 0
    }
    return scores;
  }

  private void requireOneForEach(String key, int count, int tokens) {
    if (count != tokens) {
      throw metadata.refuse(key, "one for each of the %d tokens".formatted(tokens));
    }
  }

  private PreTokenizer preTokenizer() {
    String name = metadata.string(GgufKeys.TOKENIZER_PRE, GgufVocabulary.DEFAULT_PRE);
    Optional<PreTokenizer> found =
        name.equals(GgufVocabulary.DEFAULT_PRE)
            ? PreTokenizer.ofArchitecture(metadata.string(GgufKeys.ARCHITECTURE, ""))
            : PreTokenizer.named(name);
    return found.orElseThrow(() ->
        metadata.refuse(
            GgufKeys.TOKENIZER_PRE,
            "one of %s (%s names none for this architecture)"
                .formatted(PreTokenizer.supported(), GgufVocabulary.DEFAULT_PRE)));
  }

  private List<Merge> merges() {
    List<String> lines = metadata.strings(GgufKeys.MERGES);
    List<Merge> merges = new ArrayList<>(lines.size());
    for (String line : lines) {
      // A token may be a space itself, but only in front.
      int space = line.indexOf(' ', 1);
      Merge merge = new Merge(line.substring(0, Math.max(0, space)), line.substring(space + 1));
      if (!tokens.has(merge.left())
          || !tokens.has(merge.right())
          || !tokens.has(merge.left() + merge.right())) {
        throw metadata.refuse(
            GgufKeys.MERGES,
            "each to be two tokens whose union is a token; number %d is '%s'"
                .formatted(merges.size(), line));
      }
      merges.add(merge);
    }
    return merges;
  }

  private SpecialFrame frame(boolean addsBos) {
    return new SpecialFrame(
        added(GgufKeys.ADD_BOS, addsBos, GgufKeys.BOS_ID),
        added(GgufKeys.ADD_EOS, false, GgufKeys.EOS_ID));
  }

  private Optional<Integer> added(String flag, boolean fallback, String key) {
    return metadata.bool(flag, fallback) ? Optional.of(id(key)) : Optional.empty();
  }

  private int id(String key) {
    long id = metadata.has(key) ? metadata.integer(key) : -1;
    if (id < 0 || id >= tokens.size() || !tokens.isUsed((int) id)) {
      throw metadata.refuse(
          key, "the id of one of the %d tokens, and not an unused one".formatted(tokens.size()));
    }
    return (int) id;
  }
}
