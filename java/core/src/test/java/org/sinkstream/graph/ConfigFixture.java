package org.sinkstream.graph;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.assertj.core.api.AbstractThrowableAssert;
import org.sinkstream.checkpoint.Config;
import org.sinkstream.error.CheckpointException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Configs read from text, and text with one thing changed. */
final class ConfigFixture {
  /** What a config without fields of ours says. */
  static final SinkConfig NO_SINKS = new SinkConfig(false, OptionalInt.empty());

  private static final JsonMapper MAPPER = JsonMapper.shared();

  private ConfigFixture() {}

  /** Reads {@code json} as the {@code config.json} of a checkpoint. */
  static ModelConfig read(String json) {
    try {
      Path file = Files.createTempFile("sinkstream-", "-config.json");
      try {
        Files.writeString(file, json);
        return ModelConfig.read(Config.read(file));
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * {@code json} with one field set to a value of JSON, or removed where that is empty. A dot leads
   * into an object.
   */
  static String with(String json, String field, String value) {
    ObjectNode root = (ObjectNode) MAPPER.readTree(json);
    String[] path = field.split("\\.", -1);
    ObjectNode parent = path.length == 1 ? root : root.withObject("/" + path[0]);
    String name = path[path.length - 1];
    if (value.isEmpty()) {
      parent.remove(name);
    } else {
      String parsed = MAPPER.readTree(value).toString();
      if (!parsed.equals(value)) { // 1e999: nothing that a tree could hold
        parent.put(name, "@");
        return root.toString().replace("\"@\"", value);
      }
      parent.set(name, MAPPER.readTree(value));
    }
    return root.toString();
  }

  /** Asserts that {@code json} is refused with one line that names the file. */
  static AbstractThrowableAssert<?, ?> assertRefused(String json) {
    AbstractThrowableAssert<?, ?> refused = assertThatThrownBy(() -> read(json));
    refused.isExactlyInstanceOf(CheckpointException.class).message().hasLineCount(1);
    return refused.hasMessageContaining("config.json: ");
  }
}
