package org.sinkstream.cli;

import org.sinkstream.FinishReason;
import org.sinkstream.Generation;
import org.sinkstream.GenerationOptions;
import org.sinkstream.Sampling;
import org.sinkstream.Session;

/** A conversation in one session: the system prompt, then rounds. */
final class Conversation {
  private final Session session;
  private final ChatTemplate template;
  private final GenerationOptions options;
  private long rounds;
  private boolean stopped;

  /** Begins with the system prompt. */
  Conversation(Session session, ChatTemplate template, GenerationOptions options) {
    this.session = session;
    this.template = template;
    this.options = options;
    begin();
  }

  private void begin() {
    if (!template.system().isEmpty()) {
      session.append(template.system());
    }
    stopped = false;
  }

  /** Forgets everything but the system prompt. */
  void reset() {
    session.clear();
    begin();
  }

  /** Puts a question; the answer is still to be generated. */
  Generation ask(String question) {
    session.append(turn(question));
    // Every answer has a seed of its own, or equal questions would get equal answers.
    Sampling sampling = options.sampling();
    return session.generate(options.withSampling(sampling.withSeed(sampling.seed() + rounds++)));
  }

  private String turn(String question) {
    if (session.position() == 0) {
      return template.first(question);
    }
    return stopped ? template.afterStop(question) : template.next(question);
  }

  /** Says that an answer has ended. What stopped it is already part of the stream. */
  void answered(Generation answer) {
    stopped = answer.finishReason().filter(FinishReason.STOP_STRING::equals).isPresent();
  }

  /** One line on what the cache holds. */
  String context() {
    return "position %d; %d tokens cached; cache %s, %d bytes"
        .formatted(
            session.position(), session.cachedTokens(), session.policy(), session.cacheBytes());
  }
}
