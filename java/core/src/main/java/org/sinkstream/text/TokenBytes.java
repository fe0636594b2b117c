package org.sinkstream.text;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;

/**
 * What each token adds to a text: bytes of UTF-8, which may begin or end inside a character. Read
 * from the {@code decoder} of a tokenizer.json. Immutable, thread-safe.
 *
 * @param bytes for each id; empty for special tokens and for ids without a token
 * @param replaceEachByte whether each ill-formed byte becomes a U+FFFD, or each maximal subpart
 * @param leading a character that is dropped at the very start of a text
 * @param leadingCount how many of them at most
 */
record TokenBytes(List<byte[]> bytes, boolean replaceEachByte, char leading, int leadingCount) {
  /** No token adds anything. */
  static final TokenBytes NONE = new TokenBytes(List.of(), false, ' ', 0);

  private static final byte[] NOTHING = {};

  /**
   * Reads a decoder: {@code ByteLevel}, or a {@code Sequence} of {@code Replace}, {@code
   * ByteFallback}, {@code Fuse} and {@code Strip} (SentencePiece models).
   *
   * @throws IllegalArgumentException if it is any other, naming it
   */
  static TokenBytes read(JsonNode decoder, Vocabulary vocabulary) {
    return switch (type(decoder)) {
      case "ByteLevel" -> new TokenBytes(bytes(vocabulary, ByteLevel::bytesOf), false, ' ', 0);
      case "Sequence" -> readSequence(decoder.path("decoders"), vocabulary);
      case String type -> throw unsupported(type);
    };
  }

  /** What the token {@code id} adds. */
  byte[] of(int id) {
    return id < bytes.size() ? bytes.get(id) : NOTHING;
  }

  private static TokenBytes readSequence(JsonNode steps, Vocabulary vocabulary) {
    Function<String, String> replace = Function.identity();
    boolean byteFallback = false;
    boolean fused = false;
    char leading = ' ';
    int leadingCount = 0;
    for (JsonNode step : steps) {
      switch (type(step)) {
        case "Replace" -> {
          requireOrder(!byteFallback && !fused, "Replace");
          replace = replace.andThen(replacement(step));
        }
        case "ByteFallback" -> {
          requireOrder(!byteFallback && !fused, "ByteFallback");
          byteFallback = true;
        }
        case "Fuse" -> fused = true;
        case "Strip" -> {
          requireOrder(fused && leadingCount == 0, "Strip");
          leading = strippedCharacter(step);
          leadingCount = step.path("start").asInt(0);
        }
        case String type -> throw unsupported(type);
      }
    }
    Function<String, byte[]> toBytes = byteFallback ? TokenBytes::byteOrText : TokenBytes::text;
    return new TokenBytes(
        bytes(vocabulary, replace.andThen(toBytes)), byteFallback, leading, leadingCount);
  }

  private static List<byte[]> bytes(Vocabulary vocabulary, Function<String, byte[]> bytesOf) {
    return IntStream.range(0, vocabulary.size())
        .mapToObj(id -> vocabulary.isSpecial(id) ? Optional.<String>empty() : vocabulary.token(id))
        .map(token -> token.map(bytesOf).orElse(NOTHING))
        .toList();
  }

  private static byte[] byteOrText(String token) {
    return TokenType.isByte(token)
        ? new byte[] {(byte) Integer.parseInt(token, 3, 5, 16)}
        : text(token);
  }

  private static byte[] text(String token) {
    return token.getBytes(StandardCharsets.UTF_8);
  }

  private static Function<String, String> replacement(JsonNode step) {
    JsonNode from = step.path("pattern").path("String");
    JsonNode to = step.path("content");
    if (!from.isString() || !to.isString()) {
      throw new IllegalArgumentException(
          "decoder Replace with pattern %s; supported is a String".formatted(step.path("pattern")));
    }
    return token -> token.replace(from.stringValue(), to.stringValue());
  }

  private static char strippedCharacter(JsonNode step) {
    String content = step.path("content").asString("");
    // What is stripped from the end could not be emitted before the end is known.
    if (content.length() != 1 || step.path("stop").asInt(0) != 0) {
      throw new IllegalArgumentException(
          "decoder Strip %s; supported is one character, from the start".formatted(step));
    }
    return content.charAt(0);
  }

  private static void requireOrder(boolean inOrder, String step) {
    if (!inOrder) {
      throw new IllegalArgumentException(
          "decoder step %s out of order; supported is Replace, ByteFallback, Fuse, Strip"
              .formatted(step));
    }
  }

  private static String type(JsonNode decoder) {
    return decoder.path("type").asString("none");
  }

  private static IllegalArgumentException unsupported(String type) {
    return new IllegalArgumentException(
        "decoder '%s'; supported are ByteLevel and Replace, ByteFallback, Fuse, Strip in sequence"
            .formatted(type));
  }
}
