package org.sinkstream;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import org.sinkstream.graph.Runner;
import org.sinkstream.kernels.Choice;
import org.sinkstream.kernels.KvCache;
import org.sinkstream.kernels.Tensor;

/** The keys and values of the tokens that a policy keeps. */
final class CachedContext implements Context {
  private final KvCache cache;
  private final Runner runner;
  private final CacheLimit limit;

  CachedContext(KvCache cache, Runner runner, CacheLimit limit) {
    this.cache = cache;
    this.runner = runner;
    this.limit = limit;
  }

  /** The cache, with room for so many more tokens. */
  KvCache cache(long tokens) {
    reserve(tokens);
    return cache;
  }

  @Override
  public long position() {
    return cache.position();
  }

  @Override
  public long tokens() {
    return cache.tokens();
  }

  @Override
  public long bytes() {
    return cache.bytes();
  }

  @Override
  public void reserve(long tokens) {
    if (!cache.isConstant() && tokens > cache.room() - cache.position()) {
      long needed = tokens + Math.min(cache.position(), Long.MAX_VALUE - tokens);
      limit.requireDense(needed);
      cache.grow(needed, limit.fittingTokens());
    }
  }

  @Override
  public void append(int[] tokens, int from, int count) {
    reserve(count);
    runner.appendForLast(cache, tokens, from, count);
  }

  /**
   * Appends the token that is likeliest by some logits [1, vocabulary].
   *
   * @param banned tokens that are not chosen, at most {@link Choice#MOST_BANNED}
   */
  int appendLikeliest(Tensor logits, Set<Integer> banned) {
    reserve(1);
    return runner.appendLikeliest(cache, logits, banned);
  }

  @Override
  public int maxLogitRows() {
    return runner.maxLogitRows();
  }

  @Override
  public Tensor logits(int first, int count) {
    return runner.logits(first, count);
  }

  @Override
  public Tensor last() {
    return runner.last();
  }

  @Override
  public void dropLast(long count) {
    cache.dropLast(count);
  }

  @Override
  public void evict(long begin, long end) {
    cache.evict(begin, end);
  }

  @Override
  public void clear() {
    cache.clear();
  }

  @Override
  public MemorySegment exportState(Arena arena) {
    return cache.exportState(arena);
  }

  @Override
  public void importState(MemorySegment state) {
    cache.importState(state);
    if (!cache.isConstant()) {
      limit.requireDense(cache.position());
    }
  }
}
