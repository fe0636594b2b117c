package org.sinkstream.text;

import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Pattern;

/** What a token of a GGUF file is for (SentencePiece's types). */
enum TokenType {
  /** Text that merging leads to. */
  NORMAL(1),
  /** Stands for what has no token. */
  UNKNOWN(2),
  /** Marks something, such as the end of a text, and has no text of its own. */
  CONTROL(3),
  /** Text that is one token wherever it appears, before any merging. */
  USER_DEFINED(4),
  /** Padding of the vocabulary, never produced. */
  UNUSED(5),
  /** One byte of a character that has no token, e.g. {@code <0xE2>}. */
  BYTE(6);

  /** All write upper case; llama.cpp and Hugging Face's decoder read lower case as well. */
  private static final Pattern BYTE_TOKEN = Pattern.compile("<0x[0-9A-Fa-f]{2}>");

  private final int number;

  TokenType(int number) {
    this.number = number;
  }

  /** The type that {@code tokenizer.ggml.token_type} writes as this number. */
  static Optional<TokenType> numbered(int number) {
    return Arrays.stream(values()).filter(type -> type.number == number).findFirst();
  }

  /** Whether a token is written as one of a byte. */
  static boolean isByte(String text) {
    return BYTE_TOKEN.matcher(text).matches();
  }

  /** How {@code tokenizer.ggml.token_type} writes it. */
  int number() {
    return number;
  }

  /** Whether such a token is found in a text before it is cut into others. */
  boolean isAdded() {
    return this == USER_DEFINED || isSpecial();
  }

  /** Whether such a token has no text of its own. */
  boolean isSpecial() {
    return this == UNKNOWN || this == CONTROL;
  }
}
