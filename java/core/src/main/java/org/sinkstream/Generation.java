package org.sinkstream;

import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.sinkstream.text.Detokenizer;
import org.sinkstream.text.StopSequences;

/**
 * Tokens as they are generated. Each exists once: {@link #iterator} and {@link #stream} give the
 * same running sequence. Used by the session's thread; only {@link #cancel} may be called from any.
 */
public final class Generation implements Iterable<Token> {
  private final Session session;
  private final GenerationOptions options;
  private final Sampler sampler;
  private final Detokenizer detokenizer;
  private final StopSequences stops;
  private final Set<Integer> endOfText;
  private final long promptTokens;
  private final Duration promptTime;
  private volatile boolean cancelled;
  private @Nullable FinishReason finishReason;
  private long generated;
  private long nanos;

  Generation(
      Session session,
      GenerationOptions options,
      int[] context,
      long promptTokens,
      Duration promptTime) {
    this.session = session;
    this.options = options;
    this.endOfText = session.model().endOfText();
    int vocabulary = session.model().info().vocabulary();
    if (options.endless() && endOfText.size() >= vocabulary) {
      throw new IllegalArgumentException(
          "generation without end: all of the model's %d tokens end its text; expected one that does"
                  .formatted(vocabulary)
              + " not");
    }
    this.sampler = new Sampler(options.sampling(), options.endless() ? endOfText : Set.of());
    this.detokenizer = session.model().newDetokenizer(context);
    this.stops = new StopSequences(options.stops());
    this.promptTokens = promptTokens;
    this.promptTime = promptTime;
  }

  @Override
  public Iterator<Token> iterator() {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return !finished();
      }

      @Override
      public Token next() {
        if (finished()) {
          throw new NoSuchElementException("the generation has ended: " + finishReason);
        }
        return generate();
      }
    };
  }

  /** The tokens that are still to come, in order. */
  public Stream<Token> stream() {
    return StreamSupport.stream(spliterator(), false);
  }

  /**
   * Ends the generation before its next token. May be called from any thread. The text of an
   * incomplete character, or of what might have become a stop string, is then not given out.
   */
  public void cancel() {
    cancelled = true;
  }

  /** Why it ended; empty while it has not. */
  public Optional<FinishReason> finishReason() {
    return Optional.ofNullable(finishReason);
  }

  /** What it took until now, and the prompt before it. */
  public Timings timings() {
    return new Timings(promptTokens, promptTime, generated, Duration.ofNanos(nanos));
  }

  private boolean finished() {
    if (finishReason == null && cancelled) {
      finishReason = FinishReason.CANCELLED;
    }
    return finishReason != null;
  }

  private Token generate() {
    long begin = System.nanoTime();
    long position = session.position();
    int id = session.step(sampler);
    generated++;
    String text = stops.accept(detokenizer.accept(id));
    if (stops.matched().isPresent()) {
      finishReason = FinishReason.STOP_STRING;
    } else if (endOfText.contains(id)) {
      finishReason = FinishReason.END_OF_TEXT;
    } else if (generated == options.maxTokens()) {
      finishReason = FinishReason.MAX_TOKENS;
    }
    if (finishReason == FinishReason.END_OF_TEXT || finishReason == FinishReason.MAX_TOKENS) {
      // Nothing follows that could complete a character or a stop string.
      text += stops.accept(detokenizer.flush()) + stops.flush();
    }
    nanos += System.nanoTime() - begin;
    return new Token(id, position, text);
  }
}
