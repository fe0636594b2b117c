package org.sinkstream.checkpoint;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import org.sinkstream.error.CheckpointException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * JSON that is one object in valid UTF-8, with no key twice (also not through escapes), within
 * limits that no honest file comes near.
 */
final class StrictJson {
  /** Objects and arrays inside one another. */
  static final int MAX_NESTING = 32;

  /** Characters of a key. */
  static final int MAX_NAME_LENGTH = 1024;

  /** Characters of a number. */
  static final int MAX_NUMBER_LENGTH = 100;

  private static final int MAX_SHOWN_CHARS = 100;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_NESTING)
                  .maxNameLength(MAX_NAME_LENGTH)
                  .maxNumberLength(MAX_NUMBER_LENGTH)
                  .build())
          .build();

  private static final JsonMapper MAPPER =
      JsonMapper.builder(FACTORY).enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private StrictJson() {}

  /** A parser that refuses bytes which are not UTF-8, rather than guess another encoding. */
  static JsonParser parser(byte[] utf8) {
    return FACTORY.createParser(ObjectReadContext.empty(), reader(utf8));
  }

  private static Reader reader(byte[] utf8) {
    return new InputStreamReader(
        new ByteArrayInputStream(utf8), StandardCharsets.UTF_8.newDecoder());
  }

  /** The object in a file of at most {@code maxBytes}. */
  static ObjectNode object(Path file, long maxBytes) {
    try {
      long bytes = Files.size(file);
      if (bytes > maxBytes) {
        throw new CheckpointException(
            "%s: %d bytes; expected at most %d".formatted(file, bytes, maxBytes));
      }
      JsonNode root = MAPPER.readTree(reader(Files.readAllBytes(file)));
      if (!(root instanceof ObjectNode object)) {
        throw new CheckpointException(
            "%s: expected one JSON object, found %s"
                .formatted(file, root.getNodeType().name().toLowerCase(Locale.ROOT)));
      }
      return object;
    } catch (JacksonException e) {
      throw refused(file, e);
    } catch (NoSuchFileException e) {
      throw new CheckpointException(file + ": no such file", e);
    } catch (IOException e) {
      throw new CheckpointException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  /** A string for a message: quoted, escaped, cut where it is long. */
  static String shown(String text) {
    return shown(JsonNodeFactory.instance.stringNode(text));
  }

  /** A value for a message: as JSON, cut where it is long. */
  static String shown(JsonNode value) {
    String text = value.toString();
    return text.length() <= MAX_SHOWN_CHARS ? text : text.substring(0, MAX_SHOWN_CHARS) + "...";
  }

  /** What a parser's exception says, for the user. */
  static CheckpointException refused(Path file, JacksonException e) {
    String what =
        e.getCause() instanceof CharacterCodingException
            ? "not valid UTF-8"
            : "not valid JSON: " + e.getOriginalMessage();
    TokenStreamLocation at = e.getLocation();
    String where =
        at == null ? "" : " (line %d, column %d)".formatted(at.getLineNr(), at.getColumnNr());
    return new CheckpointException("%s: %s%s".formatted(file, what, where), e);
  }
}
