package org.sinkstream.cli;

import org.jspecify.annotations.Nullable;
import org.sinkstream.ModelOptions;
import picocli.CommandLine.Option;

/** What every stream begins with, and how large its cache may become. */
final class StreamMixin {
  @Option(
      names = "--sink-token",
      paramLabel = "ID",
      converter = WholeNumber.TokenId.class,
      description =
          "A token in front of every stream, which becomes its first sink token; that of the model's"
              + " config (sink_token_id) when left out.")
  private @Nullable Long sinkToken;

  @Option(
      names = "--memory-limit",
      paramLabel = "SIZE",
      converter = ByteSize.class,
      description =
          "Most bytes that a cache may take, such as 4GiB; what is available when left out.")
  private @Nullable Long memoryLimit;

  /** These options of a model, with what was asked for here. */
  ModelOptions addTo(ModelOptions options) {
    ModelOptions result = options;
    if (sinkToken != null) {
      result = result.withSinkToken(Math.toIntExact(sinkToken));
    }
    if (memoryLimit != null) {
      result = result.withMemoryLimit(memoryLimit);
    }
    return result;
  }
}
