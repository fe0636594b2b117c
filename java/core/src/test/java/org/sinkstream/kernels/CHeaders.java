package org.sinkstream.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.stream.Collectors.joining;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What the C headers declare, read with a grammar that knows just what our headers may hold:
 * functions, enums, structs of scalars and pointers, opaque structs. Anything else is refused.
 */
record CHeaders(
    Map<String, MethodType> functions,
    Map<String, Integer> constants,
    Map<String, List<Field>> structs) {

  /** A scalar or a pointer within a struct. */
  record Field(String name, ValueLayout layout) {}

  private static final Path DIRECTORY = Path.of("../../csrc/include/sinkstream");

  private static final Pattern OPAQUE = Pattern.compile("typedef struct (\\w+) \\1");
  private static final Pattern STRUCT = Pattern.compile("typedef struct (\\w+) \\{(.*)} \\1");
  private static final Pattern ENUM = Pattern.compile("enum \\w+ \\{(.*)}");
  private static final Pattern FUNCTION = Pattern.compile("SKS_API (.+?)(\\w+) ?\\((.*)\\)");
  private static final Pattern VARIABLE = Pattern.compile("(.+?)(\\w+)");

  /** The text of every header, in the order of their names. */
  static String text() {
    try (Stream<Path> files = Files.list(DIRECTORY)) {
      return files
          .filter(file -> file.toString().endsWith(".h"))
          .sorted()
          .map(CHeaders::read)
          .collect(joining());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static CHeaders parse(String text) {
    CHeaders headers = new CHeaders(new TreeMap<>(), new TreeMap<>(), new TreeMap<>());
    for (String declaration : declarations(text)) {
      headers.add(declaration);
    }
    return headers;
  }

  /** Top-level declarations without comments, directives and needless white space. */
  private static List<String> declarations(String text) {
    String code =
        text.replaceAll("(?s)/\\*.*?\\*/", " ")
            .replaceAll("//.*", "")
            .replaceAll("(?m)^#.*$", "")
            .replaceAll("\\s+", " ");
    List<String> declarations = new ArrayList<>();
    int depth = 0;
    int begin = 0;
    for (int i = 0; i < code.length(); i++) {
      switch (code.charAt(i)) {
        case '{' -> depth++;
        case '}' -> depth--;
        case ';' -> {
          if (depth == 0) {
            declarations.add(code.substring(begin, i).strip());
            begin = i + 1;
          }
        }
        default -> {}
      }
    }
    String rest = code.substring(begin).strip();
    if (!rest.isEmpty()) {
      throw new IllegalArgumentException("not ended: " + rest);
    }
    return declarations;
  }

  private void add(String declaration) {
    if (OPAQUE.matcher(declaration).matches()) {
      return; // seen from Java as a pointer
    }
    Matcher struct = STRUCT.matcher(declaration);
    if (struct.matches()) {
      put(structs, struct.group(1), fields(struct.group(2)));
      return;
    }
    Matcher constants = ENUM.matcher(declaration);
    if (constants.matches()) {
      addConstants(constants.group(1));
      return;
    }
    Matcher function = FUNCTION.matcher(declaration);
    if (function.matches()) {
      put(functions, function.group(2), type(function.group(1).strip(), function.group(3)));
      return;
    }
    throw new IllegalArgumentException("neither function, enum nor struct: " + declaration);
  }

  private void addConstants(String body) {
    int next = 0;
    for (String constant : body.strip().split(" ?, ?")) {
      String[] parts = constant.strip().split(" ?= ?");
      int value = parts.length == 1 ? next : Integer.decode(parts[1]);
      put(constants, parts[0], value);
      next = value + 1;
    }
  }

  private static List<Field> fields(String body) {
    List<Field> fields = new ArrayList<>();
    for (String field : body.strip().split(" ?; ?")) {
      Matcher variable = variable(field);
      fields.add(new Field(variable.group(2), layout(variable.group(1))));
    }
    return fields;
  }

  private static MethodType type(String result, String list) {
    List<Class<?>> parameters = new ArrayList<>();
    if (!list.equals("void")) {
      for (String parameter : list.split(",")) {
        parameters.add(layout(variable(parameter.strip()).group(1)).carrier());
      }
    }
    return MethodType.methodType(
        result.equals("void") ? void.class : layout(result).carrier(), parameters);
  }

  private static Matcher variable(String declaration) {
    Matcher variable = VARIABLE.matcher(declaration);
    if (!variable.matches()) {
      throw new IllegalArgumentException("neither field nor parameter: " + declaration);
    }
    return variable;
  }

  private static ValueLayout layout(String type) {
    return switch (type.replace("const ", "").strip()) {
      case String pointer when pointer.endsWith("*") || pointer.endsWith("*const") -> ADDRESS;
      case "int8_t" -> JAVA_BYTE;
      case "int32_t" -> JAVA_INT;
      case "int64_t" -> JAVA_LONG;
      case "float" -> JAVA_FLOAT;
      case "double" -> JAVA_DOUBLE;
      default -> throw new IllegalArgumentException("not a type of the C ABI: " + type);
    };
  }

  private static <T> void put(Map<String, T> map, String name, T value) {
    if (map.put(name, value) != null) {
      throw new IllegalArgumentException("declared twice: " + name);
    }
  }
}
