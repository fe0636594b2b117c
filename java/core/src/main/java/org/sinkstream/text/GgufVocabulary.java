package org.sinkstream.text;

import java.util.Optional;

/**
 * A tokenizer as the keys {@code tokenizer.ggml.*} of a GGUF file describe it. Immutable,
 * thread-safe.
 *
 * @param tokens by id
 * @param segmentation how a text is cut
 * @param unknown the token of what has none
 * @param frame the special tokens around a text
 */
record GgufVocabulary(
    TokenList tokens, Segmentation segmentation, Optional<Integer> unknown, SpecialFrame frame) {
  /** {@code tokenizer.ggml.model} of {@link Segmentation.SentencePiece}. */
  static final String SENTENCE_PIECE = "llama";

  /** {@code tokenizer.ggml.model} of {@link Segmentation.ByteLevelBpe}. */
  static final String BYTE_LEVEL = "gpt2";

  /** {@code tokenizer.ggml.pre} where it says nothing. */
  static final String DEFAULT_PRE = "default";
}
