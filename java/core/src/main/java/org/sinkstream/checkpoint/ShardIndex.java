package org.sinkstream.checkpoint;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sinkstream.error.CheckpointException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code model.safetensors.index.json}: which shard holds which tensor. Its {@code
 * metadata.total_size} is not looked at: published ones are wrong now and then, and the shards
 * prove their own sizes.
 */
final class ShardIndex {
  private static final String WEIGHT_MAP = "weight_map";
  private static final Set<String> FIELDS = Set.of("metadata", WEIGHT_MAP);

  private final Path file;

  private ShardIndex(Path file) {
    this.file = file;
  }

  /**
   * Maps all shards that an index names and proves that it says the truth about each of their
   * tensors.
   */
  static Map<String, StoredTensor> open(Path file, Arena arena) {
    return new ShardIndex(file).open(arena);
  }

  private Map<String, StoredTensor> open(Arena arena) {
    Map<String, String> shardOf = weightMap();
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    for (String shard : Set.copyOf(shardOf.values())) {
      Map<String, StoredTensor> found =
          SafetensorsFile.open(file.resolveSibling(shard), arena).tensors();
      for (String name : found.keySet()) {
        checkShard(name, shard, shardOf.get(name));
      }
      tensors.putAll(found);
    }
    for (Map.Entry<String, String> entry : shardOf.entrySet()) {
      if (!tensors.containsKey(entry.getKey())) {
        throw refuse(
            "tensor %s is not in %s, which the index names"
                .formatted(StrictJson.shown(entry.getKey()), entry.getValue()));
      }
    }
    return tensors;
  }

  private void checkShard(String name, String found, @Nullable String said) {
    if (said == null) {
      throw refuse(
          "tensor %s is in %s, and the index does not name it"
              .formatted(StrictJson.shown(name), found));
    }
    if (!said.equals(found)) {
      throw refuse(
          "tensor %s is in %s, and the index says %s"
              .formatted(StrictJson.shown(name), found, said));
    }
  }

  private Map<String, String> weightMap() {
    ObjectNode index = StrictJson.object(file, SafetensorsFile.MAX_HEADER_BYTES);
    for (String field : index.propertyNames()) {
      if (!FIELDS.contains(field)) {
        throw refuse("unknown field " + StrictJson.shown(field));
      }
    }
    if (!(index.get(WEIGHT_MAP) instanceof ObjectNode map)) {
      throw refuse("weight_map is missing or no object");
    }
    Map<String, String> shardOf = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      shardOf.put(entry.getKey(), shard(entry.getKey(), entry.getValue()));
    }
    return shardOf;
  }

  private String shard(String name, JsonNode value) {
    if (!value.isString() || !isPlainFileName(value.stringValue())) {
      throw refuse(
          "tensor %s is in shard %s; expected the name of a .safetensors file in this directory"
              .formatted(StrictJson.shown(name), StrictJson.shown(value)));
    }
    return value.stringValue();
  }

  private static boolean isPlainFileName(String name) {
    return name.endsWith(".safetensors")
        && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c < ' ');
  }

  private CheckpointException refuse(String what) {
    return new CheckpointException(file + ": " + what);
  }
}
