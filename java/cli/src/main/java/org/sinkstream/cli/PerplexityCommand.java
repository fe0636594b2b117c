package org.sinkstream.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.sinkstream.Model;
import org.sinkstream.Session;
import org.sinkstream.cli.measure.ProcessMemory;
import org.sinkstream.cli.measure.Score;
import org.sinkstream.cli.measure.Slices;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/** Scores a text or a stream of ids. */
@Command(
    name = "perplexity",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "How well a model predicts a text: each token under all that the cache keeps.")
final class PerplexityCommand implements Callable<Integer> {
  private final Streams streams;

  @ArgGroup(exclusive = true, multiplicity = "1")
  private TokenSource source = new TokenSource();

  @Mixin private final ModelMixin model = new ModelMixin();
  @Mixin private final CacheMixin cache = new CacheMixin();

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      converter = WholeNumber.Any.class,
      description = "Only the first N tokens; 0 for all (default: ${DEFAULT-VALUE}).")
  private long maxTokens;

  @Option(
      names = "--nll-out",
      paramLabel = "FILE",
      description =
          "Negative log-likelihoods of all tokens but the first, in nats: float32, little-endian."
              + " The file is whole or not there.")
  private @Nullable Path nllOut;

  @Option(names = "--json", description = "One JSON object to stdout instead of the summary.")
  private boolean json;

  PerplexityCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws Exception {
    try (Model opened = model.open();
        Session session = opened.newSession(cache.policy(opened))) {
      int[] all = source.read(opened);
      int[] tokens =
          maxTokens == 0 ? all : Arrays.copyOf(all, (int) Math.min(all.length, maxTokens));
      if (tokens.length < 2) {
        throw new IllegalArgumentException(
            "%d token(s) to score; expected at least 2, for the first one is not predicted"
                .formatted(tokens.length));
      }
      session.reserve(tokens.length);
      Score score = score(session, tokens);
      if (json) {
        Json.print(streams, json(score, session));
      } else {
        streams.out().print(summary(score, session));
      }
      return 0;
    }
  }

  private Score score(Session session, int[] tokens) throws IOException {
    try (@Nullable FloatFile file = nllOut == null ? null : new FloatFile(nllOut);
        Progress progress = Progress.ofTokens("perplexity", tokens.length)) {
      Score score = new Score();
      Slices.of(tokens, model.chunk())
          .forEach(slice -> {
            for (double loss : score.add(session, slice)) {
              if (file != null) {
                file.write((float) loss);
              }
            }
            progress.advance(slice.length);
          });
      if (file != null) {
        file.commit();
      }
      return score;
    }
  }

  private ObjectNode json(Score score, Session session) {
    ObjectNode result =
        Json.object()
            .put("tokens", score.tokens())
            .put("predicted", score.predicted())
            .put("nll_mean", score.mean())
            .put("perplexity", score.perplexity())
            .put("seconds", score.seconds())
            .put("tokens_per_second", score.tokensPerSecond());
    ProcessMemory.peak()
        .ifPresentOrElse(
            bytes -> result.put("peak_rss_bytes", bytes), () -> result.putNull("peak_rss_bytes"));
    return Json.addRun(result, model, session);
  }

  private String summary(Score score, Session session) {
    return String.format(
        Locale.ROOT,
        """
        model       %s
        cache       %s, %d bytes
        tokens      %d, %d of them predicted
        mean NLL    %.6f nats
        perplexity  %.4f
        speed       %.1f tok/s
        """,
        model.name(),
        session.policy(),
        session.cacheBytes(),
        score.tokens(),
        score.predicted(),
        score.mean(),
        score.perplexity(),
        score.tokensPerSecond());
  }
}
