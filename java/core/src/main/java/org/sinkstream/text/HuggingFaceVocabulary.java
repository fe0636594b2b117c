package org.sinkstream.text;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;

/**
 * Says in the terms of a GGUF file what a {@code tokenizer.json} says. What there are no such terms
 * for is refused by name, with an {@link IllegalArgumentException}.
 */
final class HuggingFaceVocabulary {
  /** Matching of added tokens that GGUF files cannot ask for. */
  private static final List<String> ADDED_TOKEN_FLAGS = List.of("single_word", "lstrip", "rstrip");

  private static final List<String> MODEL_OPTIONS =
      List.of("dropout", "continuing_subword_prefix", "end_of_word_suffix");

  private final JsonNode root;
  private final JsonNode model;
  private final Vocabulary vocabulary;
  private final boolean sentencePiece;
  private final Optional<Integer> unknown;
  private final Map<Integer, JsonNode> added = new HashMap<>();

  private HuggingFaceVocabulary(JsonNode root) {
    this.root = root;
    this.model = root.path("model");
    this.vocabulary = Vocabulary.read(root);
    this.sentencePiece = model.path("byte_fallback").asBoolean(false);
    this.unknown = vocabulary.idOf(model.path("unk_token").asString(""));
    root.path("added_tokens").forEach(token -> added.put(token.path("id").intValue(), token));
  }

  /**
   * Converts a tokenizer.
   *
   * @param size of the model's vocabulary, to which the tokenizer's is padded
   */
  static GgufVocabulary read(JsonNode root, int size) {
    return new HuggingFaceVocabulary(root).convert(size);
  }

  private GgufVocabulary convert(int size) {
    if (vocabulary.size() > size) {
      throw new IllegalArgumentException(
          "%d tokens, but the model's vocabulary has %d".formatted(vocabulary.size(), size));
    }
    refuseOptions();
    TokenList tokens = tokens(size);
    return new GgufVocabulary(
        tokens,
        sentencePiece ? sentencePiece(tokens) : byteLevel(),
        unknown,
        SpecialFrame.read(root.path("post_processor")));
  }

  private void refuseOptions() {
    for (String option : MODEL_OPTIONS) {
      if (!model.path(option).asString("").isEmpty()) {
        throw new IllegalArgumentException(
            "model.%s is %s; expected null".formatted(option, model.path(option)));
      }
    }
    for (JsonNode token : added.values()) {
      for (String flag : ADDED_TOKEN_FLAGS) {
        if (token.path(flag).asBoolean(false)) {
          throw new IllegalArgumentException(
              "added token %s has %s; expected false".formatted(token.path("content"), flag));
        }
      }
    }
  }

  private TokenList tokens(int size) {
    List<String> texts = new ArrayList<>(size);
    List<TokenType> types = new ArrayList<>(size);
    for (int id = 0; id < size; id++) {
      Optional<String> text = id < vocabulary.size() ? vocabulary.token(id) : Optional.empty();
      texts.add(text.orElse("[PAD%d]".formatted(id)));
      types.add(text.isEmpty() ? TokenType.UNUSED : type(id, text.get()));
    }
    return new TokenList(texts, types);
  }

  private TokenType type(int id, String text) {
    if (unknown.equals(Optional.of(id))) {
      return TokenType.UNKNOWN;
    }
    if (added.containsKey(id)) {
      return vocabulary.isSpecial(id) ? TokenType.CONTROL : TokenType.USER_DEFINED;
    }
    return sentencePiece && TokenType.isByte(text) ? TokenType.BYTE : TokenType.NORMAL;
  }

  private Segmentation sentencePiece(TokenList tokens) {
    boolean spacePrefix =
        SpaceMarks.prefix(root)
            .orElseThrow(
                () -> unsupported("SentencePiece's space marks, with or without one in front"));
    return new Segmentation.SentencePiece(scores(tokens), spacePrefix);
  }

  /** Tokens that are merged first score highest; of those that no merge leads to, the first. */
  private List<Float> scores(TokenList tokens) {
    Map<String, Integer> ranks = new HashMap<>();
    merges().forEach(merge -> ranks.putIfAbsent(merge.left() + merge.right(), ranks.size()));
    List<Float> scores = new ArrayList<>(tokens.size());
    for (int id = 0; id < tokens.size(); id++) {
      boolean scored = tokens.type(id) == TokenType.NORMAL;
      scores.add(scored ? -1f - ranks.computeIfAbsent(tokens.text(id), t -> ranks.size()) : 0f);
    }
    return scores;
  }

  private Segmentation byteLevel() {
    PreTokenizer preTokenizer =
        PreTokenizer.of(root)
            .orElseThrow(() -> unsupported("those of " + PreTokenizer.supported()));
    return new Segmentation.ByteLevelBpe(preTokenizer, merges().toList());
  }

  private IllegalArgumentException unsupported(String supported) {
    return new IllegalArgumentException(
        "pre_tokenizer %s with normalizer %s and ignore_merges %s; supported are %s"
            .formatted(
                root.path("pre_tokenizer"),
                root.path("normalizer"),
                model.path("ignore_merges").asBoolean(false),
                supported));
  }

  private Stream<Merge> merges() {
    return StreamSupport.stream(model.path("merges").spliterator(), false)
        .map(HuggingFaceVocabulary::merge);
  }

  /** {@code ["a", "b"]}, or {@code "a b"} as older files have it. */
  private static Merge merge(JsonNode merge) {
    if (merge.isString()) {
      String[] parts = merge.stringValue().split(" ", -1);
      return new Merge(parts[0], parts[1]);
    }
    return new Merge(merge.path(0).stringValue(), merge.path(1).stringValue());
  }
}
