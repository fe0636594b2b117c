package org.sinkstream.cli.experiment;

import java.util.List;
import org.sinkstream.GenerationOptions;
import org.sinkstream.Sampling;
import org.sinkstream.Session;

/** A model that takes the likeliest token each time. */
final class ModelAnswerer implements Answerer {
  /** Enough for a number in brackets. */
  private static final int TOKENS = 16;

  private static final GenerationOptions OPTIONS =
      new GenerationOptions(
          Sampling.seeded(0).withTemperature(0), TOKENS, List.of(">", "\n"), false);

  private final Session session;

  ModelAnswerer(Session session) {
    this.session = session;
  }

  @Override
  public void read(String text) {
    session.append(text);
  }

  @Override
  public String complete() {
    StringBuilder answer = new StringBuilder();
    session.generate(OPTIONS, token -> answer.append(token.text()));
    session.append("\n");
    return answer.toString();
  }

  @Override
  public long position() {
    return session.position();
  }
}
