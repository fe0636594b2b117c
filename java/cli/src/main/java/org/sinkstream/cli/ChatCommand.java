package org.sinkstream.cli;

import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.sinkstream.CachePolicy;
import org.sinkstream.GenerationOptions;
import org.sinkstream.Model;
import org.sinkstream.Session;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Rounds of question and answer over one session that never ends. */
@Command(
    name = "chat",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Rounds over one never-ending session: a question a line, from a terminal or from stdin.",
      "/context shows what the cache holds, /reset starts again, /quit ends. Ctrl-C cancels an"
          + " answer; while no answer is running it ends the chat."
    })
final class ChatCommand implements Callable<Integer> {
  private final Streams streams;

  @Mixin private final ModelMixin model = new ModelMixin();
  @Mixin private final CacheMixin cache = new CacheMixin();
  @Mixin private final SamplingMixin sampling = new SamplingMixin();

  @Option(
      names = "--system",
      paramLabel = "TEXT",
      description = "Stands in front of the first question.")
  private String system = "";

  @Option(
      names = "--pin-prompt",
      description =
          "Keeps the whole system prompt as sink tokens, whatever the chat's length. The window"
              + " stays as --cache says; without --cache it is the largest that keeps the query"
              + " inside the trained context.")
  private boolean pinPrompt;

  @Option(
      names = "--user-prefix",
      paramLabel = "TEXT",
      description = "Stands in front of a question (default: '${DEFAULT-VALUE}').")
  private String userPrefix = "USER: ";

  @Option(
      names = "--assistant-prefix",
      paramLabel = "TEXT",
      description = "Stands in front of an answer (default: '${DEFAULT-VALUE}').")
  private String assistantPrefix = "ASSISTANT:";

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      converter = WholeNumber.Any.class,
      description = "Most tokens of an answer; 0 for no limit (default: ${DEFAULT-VALUE}).")
  private long maxTokens = 512;

  ChatCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws Exception {
    ChatTemplate template = new ChatTemplate(system, userPrefix, assistantPrefix);
    GenerationOptions options =
        new GenerationOptions(sampling.sampling(), maxTokens, template.stops(), false);
    if (pinPrompt && system.isEmpty()) {
      throw new IllegalArgumentException("--pin-prompt: no system prompt; expected --system TEXT");
    }
    try (Interrupt interrupt = Interrupt.open();
        Model opened = model.open();
        Session session = opened.newSession(policy(opened))) {
      new ChatLoop(streams, interrupt, new Conversation(session, template, options)).run();
      return 0;
    }
  }

  private CachePolicy policy(Model opened) {
    if (!pinPrompt) {
      return cache.policy(opened);
    }
    int sinks = pinned(opened);
    return switch (cache.policy(opened)) {
      case CachePolicy.Dense dense -> dense;
      case CachePolicy.Recompute recompute ->
          throw new IllegalArgumentException(
              "--pin-prompt with --cache %s, which keeps no sink tokens; expected S+R or dense"
                  .formatted(recompute));
      case CachePolicy.Streaming given when cache.given().isPresent() ->
          CachePolicy.streaming(sinks, given.window());
      case CachePolicy.Streaming fitting -> fitting(sinks, fitting.sinks() + fitting.window());
    };
  }

  /** Tokens of the system prompt, and the model's sink token where that stands in front of it. */
  private int pinned(Model opened) {
    int[] tokens = opened.tokenizer().encode(system, true);
    OptionalInt sink = opened.info().sinkToken();
    return tokens.length + (sink.isPresent() && sink.getAsInt() != tokens[0] ? 1 : 0);
  }

  private static CachePolicy fitting(int sinks, long total) {
    if (sinks >= total) {
      throw new IllegalArgumentException(
          "--pin-prompt: the system prompt has %d tokens; expected fewer than %d, or --cache with"
                  .formatted(sinks, total)
              + " a window of its own");
    }
    return CachePolicy.streaming(sinks, total - sinks);
  }
}
