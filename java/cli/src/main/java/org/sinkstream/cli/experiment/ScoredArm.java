package org.sinkstream.cli.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What became of an {@link Arm}.
 *
 * @param startBytes bytes of its cache at the start
 * @param file its losses
 * @param usage in order; the last one is of its end
 * @param ended what ended it early, or empty
 */
record ScoredArm(Arm arm, long startBytes, Path file, List<Usage> usage, String ended) {
  /**
   * Perplexities at a moment.
   *
   * @param tokens how far the stream was
   * @param cumulative of all tokens up to there
   * @param moving of the newest ones, NaN until there are enough
   */
  record Point(long tokens, double cumulative, double moving) {}

  /** What the whole stream took. */
  Usage end() {
    return usage.isEmpty() ? Usage.NONE : usage.getLast();
  }

  /** Tokens that were predicted. */
  long predicted() {
    return end().predicted();
  }

  /** Mean negative log-likelihood, in nats; NaN where nothing was predicted. */
  double mean() throws IOException {
    return mean(0, predicted());
  }

  /** The same of the predictions [from, to). */
  double mean(long from, long to) throws IOException {
    try (Losses losses = new Losses(file)) {
      return losses.sum(from, to) / (to - from);
    }
  }

  /** e to the {@link #mean}. */
  double perplexity() throws IOException {
    return Math.exp(mean());
  }

  /** The perplexity of the last {@code window} predictions, or of all where there are fewer. */
  double lastPerplexity(long window) throws IOException {
    return Math.exp(mean(Math.max(0, predicted() - window), predicted()));
  }

  /** Tokens per second of the whole stream. */
  double tokensPerSecond() {
    return end().tokens() / end().seconds();
  }

  /** How many losses are no finite number. */
  long notFinite() throws IOException {
    long[] count = {0};
    forEach(loss -> count[0] += Double.isFinite(loss) ? 0 : 1);
    return count[0];
  }

  /** The first losses, at most so many. */
  double[] first(long count) throws IOException {
    double[] first = new double[(int) Math.min(count, predicted())];
    int[] at = {0};
    try (Losses losses = new Losses(file)) {
      losses.forEach(0, first.length, loss -> first[at[0]++] = loss);
    }
    return first;
  }

  /**
   * Perplexities at every {@code step}-th token and at the last one.
   *
   * @param window tokens of the moving perplexity
   */
  List<Point> curve(long step, int window) throws IOException {
    List<Point> points = new ArrayList<>();
    double[] ring = new double[window];
    double[] sums = {0, 0};
    long[] seen = {0};
    long unpredicted = end().tokens() - predicted();
    forEach(loss -> {
      int slot = (int) (seen[0] % window);
      sums[0] += loss;
      sums[1] += loss - ring[slot];
      ring[slot] = loss;
      seen[0]++;
      if (slot == window - 1) {
        sums[1] = sum(ring); // differences would add up their rounding
      }
      long tokens = seen[0] + unpredicted;
      if (tokens % step == 0 || seen[0] == predicted()) {
        points.add(
            new Point(
                tokens,
                Math.exp(sums[0] / seen[0]),
                seen[0] < window ? Double.NaN : Math.exp(sums[1] / window)));
      }
    });
    return points;
  }

  private void forEach(java.util.function.DoubleConsumer consumer) throws IOException {
    try (Losses losses = new Losses(file)) {
      losses.forEach(0, predicted(), consumer);
    }
  }

  private static double sum(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum;
  }
}
