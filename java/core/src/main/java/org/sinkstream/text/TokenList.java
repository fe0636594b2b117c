package org.sinkstream.text;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The tokens of a GGUF file, by id. Those that are unused or empty count as padding of the
 * vocabulary: they have an id, but no token is found by them. Immutable, thread-safe.
 */
final class TokenList {
  private final List<String> texts;
  private final List<TokenType> types;
  private final Map<String, Integer> ids = new HashMap<>();

  /**
   * Takes tokens in the order of their ids.
   *
   * @param types of each
   * @throws IllegalArgumentException if a token is there twice, naming it
   */
  TokenList(List<String> texts, List<TokenType> types) {
    this.texts = List.copyOf(texts);
    this.types = List.copyOf(types);
    used()
        .forEach(id -> {
          Integer other = ids.putIfAbsent(text(id), id);
          if (other != null) {
            throw new IllegalArgumentException(
                "token '%s' is both %d and %d".formatted(text(id), other, id));
          }
        });
  }

  int size() {
    return texts.size();
  }

  List<String> texts() {
    return texts;
  }

  List<TokenType> types() {
    return types;
  }

  String text(int id) {
    return texts.get(id);
  }

  TokenType type(int id) {
    return types.get(id);
  }

  Optional<Integer> idOf(String text) {
    return Optional.ofNullable(ids.get(text));
  }

  boolean has(String text) {
    return ids.containsKey(text);
  }

  boolean isUsed(int id) {
    return type(id) != TokenType.UNUSED && !text(id).isEmpty();
  }

  /** The ids that stand for a token. */
  IntStream used() {
    return IntStream.range(0, texts.size()).filter(this::isUsed);
  }

  /** The ids of a type. */
  IntStream ofType(TokenType type) {
    return used().filter(id -> type(id) == type);
  }
}
