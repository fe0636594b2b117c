package org.sinkstream.text;

import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** How a tokenizer.json of a SentencePiece model turns spaces into marks, and back. */
final class SpaceMarks {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  private static final String MARK = "▁";

  private SpaceMarks() {}

  /**
   * The normalizer that writes spaces as marks.
   *
   * @param prefix whether it also puts one in front
   */
  static JsonNode normalizer(boolean prefix) {
    ArrayNode steps = NODES.arrayNode();
    if (prefix) {
      steps.addObject().put("type", "Prepend").put("prepend", MARK);
    }
    steps.add(replace(" ", MARK));
    ObjectNode sequence = NODES.objectNode().put("type", "Sequence");
    sequence.set("normalizers", steps);
    return sequence;
  }

  /** The decoder that undoes {@link #normalizer}, with bytes for what has no token. */
  static JsonNode decoder(boolean prefix) {
    ArrayNode steps = NODES.arrayNode();
    steps.add(replace(MARK, " "));
    steps.addObject().put("type", "ByteFallback");
    steps.addObject().put("type", "Fuse");
    if (prefix) {
      steps.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
    }
    ObjectNode sequence = NODES.objectNode().put("type", "Sequence");
    sequence.set("decoders", steps);
    return sequence;
  }

  /**
   * Whether a tokenizer.json puts a mark in front; nothing if it treats spaces in any other way.
   * {@code Metaspace} counts as one that does, although it puts none where a space is already, and
   * may put none behind special tokens: SentencePiece itself, and llama.cpp, do.
   */
  static Optional<Boolean> prefix(JsonNode root) {
    List<JsonNode> normalizer = Steps.of(root.path("normalizer"));
    List<JsonNode> preTokenizer = Steps.of(root.path("pre_tokenizer"));
    for (boolean prefix : new boolean[] {true, false}) {
      if (preTokenizer.isEmpty() && normalizer.equals(Steps.of(normalizer(prefix)))) {
        return Optional.of(prefix);
      }
    }
    if (normalizer.isEmpty() && preTokenizer.size() == 1) {
      JsonNode step = preTokenizer.getFirst();
      if (step.equals(metaspace("always")) || step.equals(metaspace("first"))) {
        return Optional.of(true);
      }
      if (step.equals(metaspace("never"))) {
        return Optional.of(false);
      }
    }
    return Optional.empty();
  }

  private static ObjectNode metaspace(String prependScheme) {
    return NODES
        .objectNode()
        .put("type", "Metaspace")
        .put("replacement", MARK)
        .put("prepend_scheme", prependScheme)
        .put("split", false);
  }

  private static ObjectNode replace(String from, String to) {
    ObjectNode replace = NODES.objectNode().put("type", "Replace").put("content", to);
    replace.putObject("pattern").put("String", from);
    return replace;
  }
}
