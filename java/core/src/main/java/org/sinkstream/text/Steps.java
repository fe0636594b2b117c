package org.sinkstream.text;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The steps of a tokenizer.json's normalizer or pre-tokenizer, in a form that can be compared. */
final class Steps {
  private Steps() {}

  /** One after another, however they are nested, and without what has no influence on ids. */
  static List<JsonNode> of(JsonNode step) {
    List<JsonNode> steps = new ArrayList<>();
    if (step.path("type").asString("").equals("Sequence")) {
      Stream.of("normalizers", "pretokenizers")
          .forEach(name -> step.path(name).forEach(each -> steps.addAll(of(each))));
    } else if (step instanceof ObjectNode object) {
      ObjectNode copy = object.deepCopy();
      copy.remove("trim_offsets");
      if (copy.path("type").asString("").equals("ByteLevel") && !copy.has("use_regex")) {
        copy.put("use_regex", true);
      }
      steps.add(copy);
    }
    return steps;
  }
}
