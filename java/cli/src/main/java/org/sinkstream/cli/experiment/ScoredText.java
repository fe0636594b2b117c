package org.sinkstream.cli.experiment;

import java.io.IOException;
import java.util.Arrays;
import org.sinkstream.Model;

/**
 * The text that streams are scored on.
 *
 * @param reader gives its tokens
 * @param maxTokens how many tokens a stream takes, 0 for those there are
 * @param repeat whether the text starts again where it ends, up to {@code maxTokens}
 */
public record ScoredText(Reader reader, long maxTokens, boolean repeat) {
  /** Reads a text as a model does. */
  public interface Reader {
    /** Its tokens. */
    int[] read(Model model) throws IOException;
  }

  /** Refuses to repeat without an end. */
  public ScoredText {
    if (repeat && maxTokens == 0) {
      throw new IllegalArgumentException(
          "--repeat without an end; expected --max-tokens N as well");
    }
  }

  /** The tokens of a pass. */
  int[] read(Model model) throws IOException {
    int[] all = reader.read(model);
    int[] tokens = maxTokens == 0 ? all : Arrays.copyOf(all, (int) Math.min(all.length, maxTokens));
    if (tokens.length < 2) {
      throw new IllegalArgumentException(
          "%d token(s) to score; expected at least 2, for the first one is not predicted"
              .formatted(tokens.length));
    }
    return tokens;
  }

  /** How many tokens of {@code text} a stream takes. */
  long length(int[] text) {
    return repeat ? maxTokens : text.length;
  }
}
