package org.sinkstream.text;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.sinkstream.checkpoint.Config;
import tools.jackson.databind.JsonNode;

/** The tokens of a tokenizer.json: its model's and those added to them. Immutable, thread-safe. */
final class Vocabulary {
  private final Map<String, Integer> ids = new HashMap<>();
  private final BitSet special = new BitSet();
  private final @Nullable String[] tokens;

  private Vocabulary(JsonNode root) {
    JsonNode model = root.path("model");
    String type = model.path("type").asString("none");
    if (!type.equals("BPE")) {
      throw new IllegalArgumentException("model '%s'; supported is BPE".formatted(type));
    }
    JsonNode vocab = model.path("vocab");
    if (!vocab.isObject() || vocab.isEmpty()) {
      throw new IllegalArgumentException("model.vocab is missing, empty or no object");
    }
    vocab.forEachEntry((token, id) -> ids.put(token, id(token, id)));
    JsonNode added = root.path("added_tokens");
    added.forEach(token -> add(token.path("content"), token.path("id"), token.path("special")));
    int size = 1 + ids.values().stream().mapToInt(Integer::intValue).max().orElse(-1);
    tokens = new String[size];
    vocab.forEachEntry((token, id) -> tokens[id.intValue()] = token);
    // Where both have a token of that id, the added one is what the library decodes.
    added.forEach(
        token -> tokens[token.path("id").intValue()] = token.path("content").stringValue());
  }

  /**
   * Reads the vocabulary of a tokenizer.json.
   *
   * @throws IllegalArgumentException if it has none, or one of another kind than BPE
   */
  static Vocabulary read(JsonNode root) {
    return new Vocabulary(root);
  }

  /** One more than the largest id. */
  int size() {
    return tokens.length;
  }

  Optional<Integer> idOf(String token) {
    return Optional.ofNullable(ids.get(token));
  }

  Optional<String> token(int id) {
    return Optional.ofNullable(tokens[id]);
  }

  boolean isSpecial(int id) {
    return id >= 0 && special.get(id);
  }

  private void add(JsonNode content, JsonNode id, JsonNode isSpecial) {
    if (!content.isString()) {
      throw new IllegalArgumentException("an added token has content %s".formatted(content));
    }
    ids.put(content.stringValue(), id(content.stringValue(), id));
    special.set(id.intValue(), isSpecial.asBoolean(false));
  }

  private static int id(String token, JsonNode id) {
    // Far above any published vocabulary: keeps one damaged id from asking for gigabytes.
    if (!id.isInt() || id.intValue() < 0 || id.intValue() >= Config.MAX_SIZE) {
      throw new IllegalArgumentException(
          "token '%s' has id %s; expected 0 to %,d".formatted(token, id, Config.MAX_SIZE - 1));
    }
    return id.intValue();
  }
}
