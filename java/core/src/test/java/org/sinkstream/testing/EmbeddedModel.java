package org.sinkstream.testing;

import java.nio.file.Path;

/** The default model, as it lies in the project. */
public final class EmbeddedModel {
  /** Its folder. */
  public static final Path DIRECTORY = Path.of("../../models/llama-mini");

  private EmbeddedModel() {}
}
