package org.sinkstream.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a prompt comes from: at most one of these options; standard input when there is none. */
final class PromptSource {
  @Option(names = "--prompt", paramLabel = "TEXT", description = "The prompt itself.")
  private @Nullable String text;

  @Option(
      names = "--prompt-file",
      paramLabel = "FILE",
      description = "A UTF-8 file with the prompt.")
  private @Nullable Path file;

  /** The prompt. */
  String read(Streams streams) throws IOException {
    if (text != null) {
      return text;
    }
    return file != null
        ? InputFiles.text(file)
        : InputFiles.text("standard input", streams.in().readAllBytes());
  }
}
