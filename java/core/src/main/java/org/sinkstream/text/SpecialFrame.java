package org.sinkstream.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The special tokens around a text.
 *
 * @param first the one that a text begins with
 * @param last the one that a text ends with
 */
record SpecialFrame(Optional<Integer> first, Optional<Integer> last) {
  private static final SpecialFrame NONE = new SpecialFrame(Optional.empty(), Optional.empty());

  /**
   * Reads the {@code post_processor} of a tokenizer.json.
   *
   * @throws IllegalArgumentException if it does anything else, naming it
   */
  static SpecialFrame read(JsonNode processor) {
    return switch (processor.path("type").asString("none")) {
      case "none", "ByteLevel" -> NONE;
      case "Sequence" -> readSequence(processor);
      case "TemplateProcessing" -> readTemplate(processor);
      default -> throw unsupported(processor);
    };
  }

  private static SpecialFrame readSequence(JsonNode sequence) {
    List<SpecialFrame> frames =
        StreamSupport.stream(sequence.path("processors").spliterator(), false)
            .map(SpecialFrame::read)
            .filter(frame -> !frame.equals(NONE))
            .toList();
    if (frames.size() > 1) {
      throw unsupported(sequence);
    }
    return frames.isEmpty() ? NONE : frames.getFirst();
  }

  private static SpecialFrame readTemplate(JsonNode template) {
    List<Integer> before = new ArrayList<>();
    List<Integer> after = new ArrayList<>();
    boolean inFront = true;
    for (JsonNode piece : template.path("single")) {
      if (piece.has("Sequence")) {
        inFront = false;
      } else {
        List<Integer> side = inFront ? before : after;
        String token = piece.path("SpecialToken").path("id").asString("");
        template
            .path("special_tokens")
            .path(token)
            .path("ids")
            .forEach(id -> side.add(id.intValue()));
      }
    }
    if (inFront || before.size() > 1 || after.size() > 1) {
      throw unsupported(template);
    }
    return new SpecialFrame(before.stream().findFirst(), after.stream().findFirst());
  }

  private static IllegalArgumentException unsupported(JsonNode processor) {
    return new IllegalArgumentException(
        "post_processor %s; supported is one special token on either side of a text"
            .formatted(processor));
  }

  /** The {@code post_processor} that adds them, if there are any. */
  Optional<JsonNode> json(TokenList tokens) {
    if (equals(NONE)) {
      return Optional.empty();
    }
    ObjectNode template = JsonNodeFactory.instance.objectNode().put("type", "TemplateProcessing");
    add(template.putArray("single"), "A", tokens);
    add(template.putArray("pair"), "A", tokens);
    add(template.withArray("pair"), "B", tokens);
    ObjectNode definitions = template.putObject("special_tokens");
    first.ifPresent(id -> define(definitions, id, tokens.text(id)));
    last.ifPresent(id -> define(definitions, id, tokens.text(id)));
    return Optional.of(template);
  }

  private void add(ArrayNode pieces, String sequence, TokenList tokens) {
    first.ifPresent(id -> addPiece(pieces, "SpecialToken", tokens.text(id)));
    addPiece(pieces, "Sequence", sequence);
    last.ifPresent(id -> addPiece(pieces, "SpecialToken", tokens.text(id)));
  }

  private static void addPiece(ArrayNode pieces, String kind, String id) {
    pieces.addObject().putObject(kind).put("id", id).put("type_id", 0);
  }

  private static void define(ObjectNode definitions, int id, String text) {
    ObjectNode definition = definitions.putObject(text).put("id", text);
    definition.putArray("ids").add(id);
    definition.putArray("tokens").add(text);
  }
}
