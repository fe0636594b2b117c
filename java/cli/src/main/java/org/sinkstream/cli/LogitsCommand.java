package org.sinkstream.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.sinkstream.Model;
import org.sinkstream.Session;
import org.sinkstream.cli.measure.Slices;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Writes the logits after each token of a stream. */
@Command(
    name = "logits",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description =
        "Writes the logits after each token: float32, little-endian, row-major [tokens,"
            + " vocabulary]. The file is whole or not there.")
final class LogitsCommand implements Callable<Integer> {
  @Mixin private final ModelMixin model = new ModelMixin();
  @Mixin private final CacheMixin cache = new CacheMixin();

  @Option(
      names = "--ids",
      required = true,
      paramLabel = "FILE",
      description = "Token ids, little-endian int32.")
  private Path ids = Path.of("");

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "The logits.")
  private Path out = Path.of("");

  @Override
  public Integer call() throws Exception {
    try (Model opened = model.open();
        Session session = opened.newSession(cache.policy(opened))) {
      int[] tokens = InputFiles.ids(ids, opened.info().vocabulary());
      session.reserve(tokens.length);
      try (FloatFile file = new FloatFile(out);
          Progress progress = Progress.ofTokens("logits", tokens.length)) {
        Slices.of(tokens, model.chunk())
            .forEach(slice -> {
              session.append(slice, (position, logits) -> file.write(logits));
              progress.advance(slice.length);
            });
        file.commit();
      }
      return 0;
    }
  }
}
