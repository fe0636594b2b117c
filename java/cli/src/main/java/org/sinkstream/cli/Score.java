package org.sinkstream.cli;

import java.util.Arrays;
import org.sinkstream.Session;

/** The running score of a stream. */
final class Score {
  private long tokens;
  private long predicted;
  private double sum;
  private long nanos;

  /**
   * Scores the next tokens of a session that this score has followed from its start.
   *
   * @return negative log-likelihoods in nats; the stream's first token, which nothing predicts, has
   *     none
   */
  double[] add(Session session, int[] slice) {
    long begin = System.nanoTime();
    double[] all = session.score(slice);
    nanos += System.nanoTime() - begin;
    double[] losses = tokens == 0 ? Arrays.copyOfRange(all, 1, all.length) : all;
    tokens += slice.length;
    predicted += losses.length;
    for (double loss : losses) {
      sum += loss;
    }
    return losses;
  }

  /** Tokens taken in. */
  long tokens() {
    return tokens;
  }

  /** Tokens that were predicted: all but the first. */
  long predicted() {
    return predicted;
  }

  /** Mean negative log-likelihood in nats. */
  double mean() {
    return sum / predicted;
  }

  /** e to the {@link #mean}. */
  double perplexity() {
    return Math.exp(mean());
  }

  /** Time spent scoring. */
  double seconds() {
    return nanos / 1e9;
  }

  /** Tokens scored per second. */
  double tokensPerSecond() {
    return tokens / seconds();
  }
}
