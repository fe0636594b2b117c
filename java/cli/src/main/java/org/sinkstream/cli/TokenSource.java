package org.sinkstream.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.sinkstream.Model;
import picocli.CommandLine.Option;

/** Where the tokens to score come from: exactly one of these options. */
final class TokenSource {
  @Option(
      names = {"-f", "--file"},
      paramLabel = "TEXT",
      description = "A UTF-8 text, encoded with the special tokens that go in front.")
  private @Nullable Path text;

  @Option(names = "--ids", paramLabel = "FILE", description = "Token ids, little-endian int32.")
  private @Nullable Path ids;

  /** The tokens. */
  int[] read(Model model) throws IOException {
    if (ids != null) {
      return InputFiles.ids(ids, model.info().vocabulary());
    }
    return text == null ? new int[0] : model.tokenizer().encode(InputFiles.text(text), true);
  }
}
