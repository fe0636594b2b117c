package org.sinkstream.cli;

import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.sinkstream.FinishReason;
import org.sinkstream.Generation;
import org.sinkstream.GenerationOptions;
import org.sinkstream.Model;
import org.sinkstream.Sampling;
import org.sinkstream.Session;
import org.sinkstream.Timings;
import org.sinkstream.Token;
import org.sinkstream.cli.measure.Slices;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/** Goes on from a prompt. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Goes on from a prompt: text to stdout, a line with timings to stderr.",
      "Reads the prompt from stdin without --prompt and --prompt-file. Ctrl-C ends it after the"
          + " current token, with exit code 0."
    })
final class GenerateCommand implements Callable<Integer> {
  private final Streams streams;

  @ArgGroup(exclusive = true)
  private PromptSource prompt = new PromptSource();

  @Mixin private final ModelMixin model = new ModelMixin();
  @Mixin private final CacheMixin cache = new CacheMixin();
  @Mixin private final SamplingMixin sampling = new SamplingMixin();

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      converter = WholeNumber.Any.class,
      description = "Most tokens; 0 for ever (default: ${DEFAULT-VALUE}).")
  private long maxTokens = 256;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "Ends the text before this string. May be repeated.")
  private List<String> stops = List.of();

  @Option(names = "--json", description = "One JSON object to stdout instead of the text.")
  private boolean json;

  GenerateCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws Exception {
    GenerationOptions options = new GenerationOptions(sampling.sampling(), maxTokens, stops, false);
    try (Interrupt interrupt = Interrupt.open();
        Model opened = model.open();
        Session session = opened.newSession(cache.policy(opened))) {
      int[] ids = opened.tokenizer().encode(prompt.read(streams), true);
      if (ids.length == 0) {
        throw new IllegalArgumentException("the prompt has no tokens; expected some text");
      }
      Slices.of(ids, model.chunk())
          .takeWhile(slice -> !interrupt.raised())
          .forEach(session::append);
      Generation generation = session.generate(options);
      interrupt.onRaise(generation::cancel);
      if (json) {
        StringBuilder text = new StringBuilder();
        generation.forEach(token -> text.append(token.text()));
        Json.print(streams, json(text.toString(), session, generation, options.sampling()));
      } else {
        stream(generation);
        streams.err().println(summary(session, generation, options.sampling()));
      }
      return 0;
    }
  }

  private void stream(Generation generation) {
    for (Token token : generation) {
      if (!streams.show(token.text())) {
        generation.cancel();
      }
    }
    streams.show("\n");
  }

  private ObjectNode json(String text, Session session, Generation generation, Sampling sampling) {
    Timings timings = generation.timings();
    ObjectNode result =
        Json.object()
            .put("text", text)
            .put("prompt_tokens", timings.promptTokens())
            .put("tokens", timings.generatedTokens())
            .put("finish_reason", finishReason(generation))
            .put("seed", sampling.seed())
            .put("prompt_seconds", timings.promptTime().toNanos() / 1e9)
            .put("prompt_tokens_per_second", timings.promptTokensPerSecond())
            .put("seconds", timings.generationTime().toNanos() / 1e9)
            .put("tokens_per_second", timings.generatedTokensPerSecond());
    return Json.addRun(result, model, session);
  }

  private static String summary(Session session, Generation generation, Sampling sampling) {
    Timings timings = generation.timings();
    return String.format(
        Locale.ROOT,
        "prompt %d tokens at %.1f tok/s; %d tokens at %.1f tok/s; finish reason %s; cache %s, %d"
            + " bytes; seed %d",
        timings.promptTokens(),
        timings.promptTokensPerSecond(),
        timings.generatedTokens(),
        timings.generatedTokensPerSecond(),
        finishReason(generation),
        session.policy(),
        session.cacheBytes(),
        sampling.seed());
  }

  private static String finishReason(Generation generation) {
    return generation
        .finishReason()
        .map(FinishReason::name)
        .orElse("none")
        .toLowerCase(Locale.ROOT);
  }
}
