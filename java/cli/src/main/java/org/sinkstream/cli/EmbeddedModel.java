package org.sinkstream.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.sinkstream.files.FileCache;

/** The default model, packed in the jar; its weights are mapped from a copy in the user's cache. */
final class EmbeddedModel {
  /** Its name. */
  static final String NAME = "llama-mini";

  private static final List<String> FILES =
      List.of("config.json", "generation_config.json", "model.safetensors", "tokenizer.json");

  private EmbeddedModel() {}

  /** The directory with its files. */
  static Path directory() throws IOException {
    return directory(FileCache.ofUser());
  }

  /** The directory with its files, in a cache. */
  static Path directory(FileCache cache) throws IOException {
    Map<String, byte[]> files = new LinkedHashMap<>();
    for (String name : FILES) {
      files.put(name, resource("models/" + NAME + "/" + name));
    }
    try {
      return cache.put(files);
    } catch (IOException e) {
      throw new IOException(
          ("the embedded model cannot be unpacked to the cache: %s; expected a directory to write"
                  + " to, which XDG_CACHE_HOME names, else ~/.cache")
              .formatted(Failures.message(e)),
          e);
    }
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream stream = EmbeddedModel.class.getResourceAsStream(name)) {
      return Objects.requireNonNull(stream, () -> name + " is not in the jar").readAllBytes();
    }
  }
}
