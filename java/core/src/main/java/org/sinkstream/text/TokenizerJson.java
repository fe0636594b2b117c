package org.sinkstream.text;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.sinkstream.error.CheckpointException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The content of a {@code tokenizer.json}.
 *
 * @param root parsed
 * @param text as it is written
 */
record TokenizerJson(JsonNode root, String text) {

  /** One that is no file. */
  static TokenizerJson of(JsonNode root) {
    return new TokenizerJson(root, root.toString());
  }

  /**
   * Reads a file.
   *
   * @throws CheckpointException if it is missing or no JSON
   */
  static TokenizerJson read(Path file) {
    try {
      String text = Files.readString(file);
      return new TokenizerJson(JsonMapper.shared().readTree(text), text);
    } catch (NoSuchFileException missing) {
      throw new CheckpointException(file + ": no such file", missing);
    } catch (CharacterCodingException malformed) {
      throw new CheckpointException(file + ": not UTF-8 text", malformed);
    } catch (IOException failure) {
      throw new CheckpointException(file + ": cannot be read: " + failure.getMessage(), failure);
    } catch (JacksonException malformed) {
      throw new CheckpointException(
          "%s: not valid JSON: %s, line %d, column %d"
              .formatted(
                  file,
                  malformed.getOriginalMessage(),
                  malformed.getLocation().getLineNr(),
                  malformed.getLocation().getColumnNr()),
          malformed);
    }
  }
}
