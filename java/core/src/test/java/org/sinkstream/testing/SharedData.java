package org.sinkstream.testing;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/**
 * Files that tests read: those of the project, and those of the data folder {@code ../shared}
 * beside it, which a fresh machine lacks.
 */
public final class SharedData {
  private static final Path PROJECT = findProject();

  private SharedData() {}

  /** A file or folder of the project, e.g. {@code models/llama-mini}. */
  public static Path project(String relative) {
    return PROJECT.resolve(relative);
  }

  /**
   * A file or folder of the data folder, e.g. {@code golden}. The folder lies beside the project,
   * or where the environment variable {@code SINKSTREAM_SHARED} says. The test is skipped, naming
   * the file, where it is absent.
   */
  public static Path require(String relative) {
    String folder = System.getenv("SINKSTREAM_SHARED");
    Path shared = folder == null ? PROJECT.resolveSibling("shared") : Path.of(folder);
    Path file = shared.resolve(relative);
    Assumptions.assumeTrue(Files.exists(file), () -> "skipped: " + file + " is absent");
    return file;
  }

  /** The tests may be started from the project's root, from a module or from an editor. */
  private static Path findProject() {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      if (Files.exists(at.resolve("models/llama-mini"))) {
        return at;
      }
    }
    throw new IllegalStateException("no folder above the working directory is the project's");
  }
}
