package org.sinkstream;

import org.sinkstream.error.MemoryLimitException;
import org.sinkstream.graph.Network;
import org.sinkstream.kernels.ElementType;
import org.sinkstream.kernels.KvCache;

/**
 * Most bytes that a session's cache may take.
 *
 * @param network whose keys and values it holds
 * @param type of keys and values
 * @param bytes the limit
 * @param binding whether a cache is held to it; else it is what a GPU has free, which refuses one
 *     itself, and says more
 */
record CacheLimit(Network network, ElementType type, long bytes, boolean binding) {
  private static final long MOST_TOKENS = 1L << 40;

  /**
   * Refuses a cache that takes more from its start.
   *
   * @throws MemoryLimitException if it does
   */
  void requireStart(CachePolicy policy, KvCache.Spec spec) {
    long required = network.cacheBytes(spec);
    if (binding && required > bytes) {
      throw refusal("a cache for " + policy, required, "");
    }
  }

  /**
   * Refuses a dense cache of so many tokens that takes more.
   *
   * @throws MemoryLimitException if it does
   */
  void requireDense(long tokens) {
    long required = bytesOf(tokens);
    if (binding && required > bytes) {
      throw refusal(
          "a dense cache of %d tokens".formatted(tokens),
          required,
          "; a policy S+R takes the same memory however long the stream is");
    }
  }

  private MemoryLimitException refusal(String what, long required, String advice) {
    long fitting = fittingTokens();
    return new MemoryLimitException(
        "%s takes %s, the memory limit is %d bytes, which %d tokens fit%s"
            .formatted(what, shown(required), bytes, fitting, advice),
        required,
        bytes,
        fitting);
  }

  private static String shown(long bytes) {
    return bytes == Long.MAX_VALUE ? "more than 2^63 bytes" : bytes + " bytes";
  }

  /** Tokens whose keys and values take no more. */
  long fittingTokens() {
    long fit = 0;
    for (long step = MOST_TOKENS; step > 0; step /= 2) {
      fit += bytesOf(fit + step) <= bytes ? step : 0;
    }
    return fit;
  }

  /** A ring of so many tokens has the rows that a dense cache of them needs. */
  private long bytesOf(long tokens) {
    return network.cacheBytes(new KvCache.Spec(0, Math.max(1, tokens - 1), 1, type));
  }
}
