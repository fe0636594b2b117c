package org.sinkstream.cli.measure;

import java.util.Arrays;
import org.sinkstream.Session;

/** The running score of a stream. */
public final class Score {
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
  public double[] add(Session session, int[] slice) {
    long begin = System.nanoTime();
    double[] all = session.score(slice);
    nanos += System.nanoTime() - begin;
    double[] losses = tokens == 0 ? Arrays.copyOfRange(all, 1, all.length) : all;
    replay(slice.length, losses);
    return losses;
  }

  /** Takes in what {@link #add} gave for some tokens in an earlier run. */
  public void replay(long count, double... losses) {
    tokens += count;
    predicted += losses.length;
    for (double loss : losses) {
      sum += loss;
    }
  }

  /** Tokens taken in. */
  public long tokens() {
    return tokens;
  }

  /** Tokens that were predicted: all but the first. */
  public long predicted() {
    return predicted;
  }

  /** Mean negative log-likelihood in nats. */
  public double mean() {
    return sum / predicted;
  }

  /** e to the {@link #mean}. */
  public double perplexity() {
    return Math.exp(mean());
  }

  /** Time spent scoring. */
  public double seconds() {
    return nanos / 1e9;
  }

  /** Tokens scored per second. */
  public double tokensPerSecond() {
    return tokens / seconds();
  }
}
