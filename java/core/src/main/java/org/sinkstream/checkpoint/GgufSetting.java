package org.sinkstream.checkpoint;

import tools.jackson.databind.JsonNode;

/**
 * A key of an architecture and the field of {@code config.json} that says the same.
 *
 * @param key the key without the architecture's name
 * @param field the field; one of a nested object has the object's name and a dot in front
 * @param kind how the value is stored
 * @param required whether a file without the key is refused
 */
record GgufSetting(String key, String field, Kind kind, boolean required) {
  /** How a value is stored, and whether 0 is as good as no key at all. */
  enum Kind {
    INTEGER,
    INTEGER_OR_0,
    NUMBER,
    NUMBER_OR_0,
    BOOL;

    /** Whether the value says no more than a key that is left out. */
    boolean isLeftOutBy(JsonNode value) {
      return (this == INTEGER_OR_0 || this == NUMBER_OR_0) && value.doubleValue() == 0;
    }
  }

  /** A key that every file has. */
  static GgufSetting required(String key, String field, Kind kind) {
    return new GgufSetting(key, field, kind, true);
  }

  /** A key that may be left out. */
  static GgufSetting optional(String key, String field, Kind kind) {
    return new GgufSetting(key, field, kind, false);
  }
}
