package org.sinkstream.cli.measure;

import java.util.Arrays;
import org.sinkstream.CachePolicy;

/**
 * What a test gave.
 *
 * @param tokensPerSecond of all streams together, one for each repetition
 * @param bytesPerToken bytes that a token cannot do without reading
 * @param bandwidth bytes per second of plain reads between the repetitions, their median
 * @param policy what the cache keeps
 * @param streams that took part
 * @param cacheBytes bytes their caches hold
 */
@SuppressWarnings("ArrayRecordComponent") // figures on their way to a table, never compared
public record BenchResult(
    BenchTest test,
    double[] tokensPerSecond,
    double bytesPerToken,
    double bandwidth,
    CachePolicy policy,
    int streams,
    long cacheBytes) {
  /** Mean tokens per second. */
  public double mean() {
    return Arrays.stream(tokensPerSecond).average().orElseThrow();
  }

  /** Standard deviation of the tokens per second, of a sample; 0 of a single one. */
  public double stddev() {
    double mean = mean();
    double squares = Arrays.stream(tokensPerSecond).map(x -> (x - mean) * (x - mean)).sum();
    return Math.sqrt(squares / Math.max(1, tokensPerSecond.length - 1));
  }

  /** The share of the bandwidth that reading so many bytes at this speed takes. */
  public double bandwidthShare() {
    return mean() * bytesPerToken / bandwidth;
  }

  /** The middle one of some figures, or the mean of the two there. */
  public static double median(double... figures) {
    double[] sorted = figures.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
