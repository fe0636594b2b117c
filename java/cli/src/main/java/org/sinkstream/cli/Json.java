package org.sinkstream.cli;

import org.sinkstream.ModelInfo;
import org.sinkstream.Session;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What the {@code --json} of all commands share. Keys are snake_case and in a fixed order. */
final class Json {
  private Json() {}

  /** An empty object. */
  static ObjectNode object() {
    return JsonMapper.shared().createObjectNode();
  }

  /** An empty array. */
  static ArrayNode array() {
    return JsonMapper.shared().createArrayNode();
  }

  /** Adds what a run used: cache, model, types, kernels, threads. */
  static ObjectNode addRun(ObjectNode object, ModelMixin model, Session session) {
    object
        .put("position", session.position())
        .put("cache", session.policy().toString())
        .put("cache_bytes", session.cacheBytes());
    return addModel(object, model, session.model().info());
  }

  /** Adds where a model runs and with which types. */
  static ObjectNode addModel(ObjectNode object, ModelMixin model, ModelInfo info) {
    return object
        .put("model", model.name())
        .put("device", info.device())
        .put("kernels", info.kernels())
        .put("threads", info.threads())
        .put("kv_type", info.kvType().toString())
        .put("activations", model.activations())
        .put("chunk", model.chunk());
  }

  /** Prints an object or an array on a line of stdout. */
  static void print(Streams streams, JsonNode node) {
    streams.out().println(JsonMapper.shared().writeValueAsString(node));
  }
}
