package org.sinkstream.checkpoint;

import java.util.LinkedHashSet;
import java.util.Set;

/** Whether a GGUF file has a tokenizer, and what that must have in common with the embedding. */
public final class GgufTokens {
  /** Values of {@code tokenizer.ggml.model} that say there is no tokenizer. */
  private static final Set<String> NONE = Set.of("none", GgufKeys.NO_TOKENIZER);

  private GgufTokens() {}

  /** Whether there is a tokenizer: a file may leave it out, or say that it has none. */
  public static boolean arePresent(GgufMetadata metadata) {
    return metadata.has(GgufKeys.TOKENIZER_MODEL)
        ? !NONE.contains(metadata.string(GgufKeys.TOKENIZER_MODEL))
        : metadata.has(GgufKeys.TOKENS);
  }

  /**
   * Refuses lists of tokens that are not of the embedding's size. A file may have no tokenizer.
   *
   * @param size rows of the embedding
   */
  static void check(GgufMetadata metadata, long size) {
    if (arePresent(metadata) || metadata.has(GgufKeys.TOKENS)) {
      metadata.requireArray(GgufKeys.TOKENS, size, GgufValueType.STRING);
    }
    if (metadata.has(GgufKeys.TOKEN_SCORES)) {
      metadata.requireArray(GgufKeys.TOKEN_SCORES, size, GgufValueType.FLOAT32);
    }
    if (metadata.has(GgufKeys.TOKEN_TYPES)) {
      metadata.requireArray(GgufKeys.TOKEN_TYPES, size, GgufValueType.INT32, GgufValueType.UINT32);
    }
  }

  /** The tokens that end a text, a turn or a message; empty where the file names none. */
  static Set<Integer> endOfText(GgufMetadata metadata, long size) {
    Set<Integer> ids = new LinkedHashSet<>();
    for (String key : GgufKeys.END_OF_TEXT_IDS) {
      if (metadata.has(key)) {
        long id = metadata.integer(key);
        if (id < 0 || id >= size) {
          throw metadata.refuse(key, "a token id from 0 to " + (size - 1));
        }
        ids.add(Math.toIntExact(id));
      }
    }
    return ids;
  }
}
