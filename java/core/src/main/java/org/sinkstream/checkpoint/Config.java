package org.sinkstream.checkpoint;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.sinkstream.error.CheckpointException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A JSON object of settings, read strictly. It remembers which fields were asked for, so that
 * {@link #refuseUnknown} can refuse the rest by name. A field that is null counts as left out. Not
 * thread-safe.
 *
 * <p>Every reading method throws {@link CheckpointException} with the file, the field, its value
 * and what was expected.
 */
public final class Config {
  /**
   * The largest size that any field may have: products of two such sizes stay far from overflow.
   */
  public static final int MAX_SIZE = 1 << 24;

  private static final long MAX_FILE_BYTES = 16 << 20;

  private final String source;
  private final String prefix;
  private final ObjectNode fields;
  private final Map<String, String> names;
  private final Set<String> known = new HashSet<>();
  private final Map<String, Config> objects = new LinkedHashMap<>();

  private Config(String source, String prefix, ObjectNode fields, Map<String, String> names) {
    this.source = source;
    this.prefix = prefix;
    this.fields = fields;
    this.names = names;
  }

  /** Reads a file that holds one JSON object. */
  public static Config read(Path file) {
    return new Config(file.toString(), "", StrictJson.object(file, MAX_FILE_BYTES), Map.of());
  }

  /**
   * Settings that another container holds.
   *
   * @param source the container's name, for messages
   * @param fields in the spelling of {@code config.json}
   * @param names what the container calls a field; one of a nested object has a dot in front
   */
  public static Config of(String source, ObjectNode fields, Map<String, String> names) {
    return new Config(source, "", fields, names);
  }

  /** An object with no fields, in the place of one that was left out. */
  public Config empty(String name) {
    return new Config(source, prefix + name + ".", JsonNodeFactory.instance.objectNode(), names);
  }

  /** All fields, as JSON without white space. */
  String json() {
    return fields.toString();
  }

  private @Nullable JsonNode find(String name) {
    known.add(name);
    JsonNode value = fields.get(name);
    return value == null || value.isNull() ? null : value;
  }

  private JsonNode require(String name, String expected) {
    JsonNode value = find(name);
    if (value == null) {
      throw refuse(name, expected);
    }
    return value;
  }

  /** Whether the field is there and not null. */
  public boolean has(String name) {
    return find(name) != null;
  }

  /**
   * Of several names for one thing, the one that is there; the first where none is. Refuses two
   * that differ.
   *
   * @param names alternative spellings
   */
  public String spelled(String... names) {
    List<String> present = Arrays.stream(names).filter(this::has).toList();
    for (String name : present) {
      if (!equal(fields.get(name), fields.get(present.getFirst()))) {
        throw refuse(
            name,
            "%s, which %s says".formatted(shown(present.getFirst()), name(present.getFirst())));
      }
    }
    return present.isEmpty() ? names[0] : present.getFirst();
  }

  private static boolean equal(JsonNode left, JsonNode right) {
    boolean numbers = left.isNumber() && right.isNumber();
    return numbers ? Double.compare(number(left), number(right)) == 0 : left.equals(right);
  }

  /** A whole number from 1 to {@link #MAX_SIZE}. */
  public int positiveInt(String name) {
    String expected = "a whole number from 1 to " + MAX_SIZE;
    JsonNode value = require(name, expected);
    if (!value.isIntegralNumber()
        || !value.canConvertToInt()
        || value.intValue() < 1
        || value.intValue() > MAX_SIZE) {
      throw refuse(name, expected);
    }
    return value.intValue();
  }

  /** A whole number from 1 to {@link #MAX_SIZE}, or {@code fallback} where it is left out. */
  public int positiveInt(String name, int fallback) {
    return has(name) ? positiveInt(name) : fallback;
  }

  /** A number above zero, neither infinite nor too small for a double. */
  public double positiveFinite(String name) {
    String expected = "a finite number above 0";
    JsonNode value = require(name, expected);
    if (!value.isNumber() || !(number(value) > 0) || Double.isInfinite(number(value))) {
      throw refuse(name, expected);
    }
    return number(value);
  }

  /** A finite number above zero, or {@code fallback} where it is left out. */
  public double positiveFinite(String name, double fallback) {
    return has(name) ? positiveFinite(name) : fallback;
  }

  /** A finite number above zero, or nothing where it is left out. */
  public OptionalDouble optionalPositiveFinite(String name) {
    return has(name) ? OptionalDouble.of(positiveFinite(name)) : OptionalDouble.empty();
  }

  /** {@code value}'s number; infinite where a double cannot hold it. */
  private static double number(JsonNode value) {
    return Double.parseDouble(value.asString());
  }

  /** True or false, or {@code fallback} where it is left out. */
  public boolean bool(String name, boolean fallback) {
    JsonNode value = find(name);
    if (value == null) {
      return fallback;
    }
    if (!value.isBoolean()) {
      throw refuse(name, "true or false");
    }
    return value.booleanValue();
  }

  /** A string. */
  public String string(String name) {
    JsonNode value = require(name, "a string");
    if (!value.isString()) {
      throw refuse(name, "a string");
    }
    return value.stringValue();
  }

  /** A string, or {@code fallback} where it is left out. */
  public String string(String name, String fallback) {
    return has(name) ? string(name) : fallback;
  }

  /** A nested object. {@link #refuseUnknown} on this one looks into it too. */
  public Optional<Config> object(String name) {
    JsonNode value = find(name);
    if (value == null) {
      return Optional.empty();
    }
    if (!(value instanceof ObjectNode object)) {
      throw refuse(name, "an object");
    }
    return Optional.of(
        objects.computeIfAbsent(
            name, key -> new Config(source, prefix + key + ".", object, names)));
  }

  /** One token id or a list of them; empty where it is left out. */
  public Set<Integer> tokenIds(String name) {
    JsonNode value = find(name);
    Set<Integer> ids = new LinkedHashSet<>();
    if (value != null) {
      for (JsonNode id : value.isArray() ? value : List.of(value)) {
        if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0) {
          throw refuse(name, "a token id or a list of them");
        }
        ids.add(id.intValue());
      }
    }
    return ids;
  }

  /**
   * Refuses every value of a field but those that are implemented. The field may be left out.
   *
   * @param allowed strings, booleans or ints
   */
  public void only(String name, Object... allowed) {
    JsonNode value = find(name);
    if (value != null && Arrays.stream(allowed).noneMatch(each -> is(value, each))) {
      throw refuse(name, alternatives(allowed) + ": nothing else is implemented");
    }
  }

  /** Refuses a list with any element but {@code allowed}. The field may be left out. */
  public void onlyEach(String name, String allowed) {
    JsonNode value = find(name);
    if (value == null) {
      return;
    }
    for (JsonNode element : value.isArray() ? value : List.of(value)) {
      if (!is(element, allowed)) {
        throw refuse(name, "nothing but \"%s\": nothing else is implemented".formatted(allowed));
      }
    }
  }

  private static boolean is(JsonNode value, Object allowed) {
    return switch (allowed) {
      case String string -> value.isString() && value.stringValue().equals(string);
      case Boolean bool -> value.isBoolean() && value.booleanValue() == bool;
      case Integer number -> value.isNumber() && number(value) == number;
      default -> throw new IllegalArgumentException(allowed.getClass().getName());
    };
  }

  private static String alternatives(Object... allowed) {
    return Arrays.stream(allowed)
        .map(each -> each instanceof String string ? '"' + string + '"' : each.toString())
        .collect(Collectors.joining(" or "));
  }

  /**
   * {@code left * right} where that is at most {@link #MAX_SIZE}; {@code name} is to blame where it
   * is not.
   */
  public int product(String name, int left, int right) {
    long product = (long) left * right;
    if (product > MAX_SIZE) {
      throw contradiction(
          "%s: %d * %d; expected at most %d".formatted(prefix + name, left, right, MAX_SIZE));
    }
    return (int) product;
  }

  /** Accepts fields whatever their value. */
  public void ignore(String... names) {
    known.addAll(Arrays.asList(names));
  }

  /**
   * The exception for a field's value.
   *
   * @param expected what the value should have been
   */
  public CheckpointException refuse(String name, String expected) {
    return contradiction("%s is %s; expected %s".formatted(name(name), shown(name), expected));
  }

  /** A field's name for a message: where it lies, and as its container spells it. */
  public String name(String field) {
    return names.getOrDefault(prefix + field, prefix + field);
  }

  /**
   * The exception for fields that do not go together.
   *
   * @param what which they are, and what was expected
   */
  public CheckpointException contradiction(String what) {
    return new CheckpointException(source + ": " + what);
  }

  private String shown(String name) {
    JsonNode value = fields.get(name);
    if (value == null) {
      return "missing";
    }
    return StrictJson.shown(value);
  }

  /**
   * Refuses what nobody asked for, here and in nested objects. Null, {@code {}} and {@code []} ask
   * for nothing.
   */
  public void refuseUnknown() {
    String unknown =
        fields.properties().stream()
            .filter(field -> !known.contains(field.getKey()))
            .filter(field -> !saysNothing(field.getValue()))
            .map(field -> StrictJson.shown(name(field.getKey())))
            .sorted()
            .collect(Collectors.joining(", "));
    if (!unknown.isEmpty()) {
      throw contradiction("unknown, and therefore refused: " + unknown);
    }
    objects.values().forEach(Config::refuseUnknown);
  }

  private static boolean saysNothing(JsonNode value) {
    return value.isNull() || (value.isContainer() && value.isEmpty());
  }
}
