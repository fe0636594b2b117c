package org.sinkstream.text;

import tools.jackson.databind.JsonNode;

/** The templates by which a tokenizer.json adds special tokens to a text. */
final class Templates {
  private Templates() {}

  /**
   * Checks that templates name only special tokens that they define: on any other the library ends
   * the process, with the first text that it encodes.
   *
   * @param processor a {@code post_processor}
   * @throws IllegalArgumentException if one names another, naming it
   */
  static void check(JsonNode processor) {
    processor.path("processors").forEach(Templates::check);
    JsonNode defined = processor.path("special_tokens");
    for (String template : new String[] {"single", "pair"}) {
      for (JsonNode piece : processor.path(template)) {
        JsonNode token = piece.path("SpecialToken").path("id");
        if (token.isString() && !defined.has(token.stringValue())) {
          throw new IllegalArgumentException(
              "post_processor template %s names '%s', which special_tokens lacks"
                  .formatted(template, token.stringValue()));
        }
      }
    }
  }
}
