package org.sinkstream;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.OptionalInt;
import org.sinkstream.graph.Runner;
import org.sinkstream.kernels.KvCache;
import org.sinkstream.kernels.Tensor;

/**
 * The ids of the newest tokens, of which every prediction takes the last L through the model anew,
 * at positions from 0 (the sliding window with re-computation of Xiao et al., arXiv 2309.17453).
 * Where the model has a sink token, every pass begins with it. While the stream has no more than L
 * tokens, the pass of the token before is gone on with.
 */
final class RecomputedContext implements Context {
  /** Of an exported state, in front of the ids: position, floor, how many ids. */
  private static final long HEAD_BYTES = 2 * Long.BYTES + Integer.BYTES;

  private final int length;
  private final OptionalInt sinkToken;
  private final KvCache cache;
  private final Runner runner;
  private final TokenHistory history;
  private final int[] pass;

  /** Nothing before this position is part of the stream any more. */
  private long floor;

  /** The position of the first token appended last. */
  private long appended;

  /** The tokens in the cache are [passBegin, passEnd); the runner has those from rowsBegin on. */
  private long passBegin;

  private long rowsBegin;
  private long passEnd;

  /** Whether the runner's {@code last} are the logits of the token appended last. */
  private boolean lastIsNewest;

  /**
   * Makes an empty context.
   *
   * @param length tokens of a pass, L
   * @param sinkToken stands at the start of every pass, where it takes the place of the oldest
   *     token
   * @param cache whose ring holds L tokens
   */
  RecomputedContext(int length, OptionalInt sinkToken, KvCache cache, Runner runner) {
    if (sinkToken.isPresent() && length < 2) {
      throw new IllegalArgumentException(
          "tokens to recompute: %d; expected 2 or more, one of which is the sink token"
              .formatted(length));
    }
    this.sinkToken = sinkToken;
    this.length = length;
    this.cache = cache;
    this.runner = runner;
    this.history = new TokenHistory(Math.addExact(length, runner.maxRows()));
    this.pass = new int[length];
  }

  @Override
  public long position() {
    return history.end();
  }

  @Override
  public long tokens() {
    return position() - begin(position());
  }

  @Override
  public long bytes() {
    return cache.bytes();
  }

  @Override
  public void reserve(long tokens) {
    // There is all the room that there will be.
  }

  private int sinks() {
    return sinkToken.isPresent() ? 1 : 0;
  }

  /** Where the pass of the token at this position begins. */
  private long begin(long token) {
    return Math.max(floor, token + 1 - length);
  }

  @Override
  public void append(int[] tokens, int from, int count) {
    long first = history.end();
    int dense = Math.clamp(floor + length - first, 0, count);
    if (dense > 0) {
      goOn(first);
      take(tokens, from, dense, floor, first);
    }
    for (int i = from; i < from + count; i++) {
      history.add(tokens[i]);
    }
    appended = first;
    lastIsNewest = false;
  }

  /** Makes sure that the cache has all tokens of the stream up to {@code first}. */
  private void goOn(long first) {
    if (first == floor) {
      forgetPass();
    } else if (!endsAt(first)) {
      reach(first - 1);
    }
  }

  /** Whether the cache has all tokens of the stream up to this position. */
  private boolean endsAt(long position) {
    return passBegin == floor && passEnd == position;
  }

  /** Takes tokens through the model behind those of the pass that are in the cache. */
  private void take(int[] tokens, int from, int count, long begin, long first) {
    runner.append(cache, tokens, from, count);
    passBegin = begin;
    rowsBegin = first;
    passEnd = first + count;
  }

  /** Makes sure that the runner has the row of a token, from a pass of its own. */
  private void reach(long token) {
    long begin = begin(token);
    if (passBegin == begin && rowsBegin <= token && token < passEnd) {
      return;
    }
    int count = (int) (token + 1 - begin);
    for (int i = 0; i < count; i++) {
      pass[i] = history.at(begin + i);
    }
    sinkToken.ifPresent(sink -> pass[0] = sink);
    forgetPass();
    for (int start = 0; start < count; start += runner.maxRows()) {
      take(pass, start, Math.min(runner.maxRows(), count - start), begin, begin + start);
    }
    lastIsNewest = false;
  }

  private void forgetPass() {
    cache.clear();
    passBegin = -1;
    rowsBegin = 0;
    passEnd = 0;
  }

  /** Every row is the last one of a pass of its own. */
  @Override
  public int maxLogitRows() {
    return 1;
  }

  @Override
  public Tensor logits(int first, int count) {
    long token = appended + first;
    reach(token);
    return runner.logits((int) (token - rowsBegin), count);
  }

  @Override
  public Tensor last() {
    if (!lastIsNewest) {
      long token = position() - 1;
      reach(token);
      runner.computeLast((int) (token - rowsBegin));
      lastIsNewest = true;
    }
    return runner.last();
  }

  @Override
  public void dropLast(long count) {
    long end = position();
    if (count < 0 || count > end) {
      throw new IllegalArgumentException(
          "cannot drop %d tokens; expected 0 to %d".formatted(count, end));
    }
    long first = begin(end - count);
    if (end - count < floor + (floor > 0 ? sinks() : 0)
        || first < Math.min(history.oldest(), end - count)) {
      throw new IllegalStateException(
          "cannot drop %d tokens: token %d would need token %d, which is forgotten"
              .formatted(count, end - count, first));
    }
    history.drop(count);
    forgetPass();
  }

  @Override
  public void evict(long begin, long end) {
    if (begin < 0 || begin > end || end > position()) {
      throw new IllegalArgumentException(
          "cannot evict [%d, %d); expected a range within 0 to %d"
              .formatted(begin, end, position()));
    }
    if (begin == end) {
      return;
    }
    long first = begin(position());
    long evictable = first + sinks();
    if (begin < evictable) {
      throw new IllegalStateException(
          "cannot evict from %d: the window starts at %d".formatted(begin, evictable));
    }
    history.evict(begin, end);
    floor = first;
    forgetPass();
  }

  @Override
  public void clear() {
    history.restart(0);
    floor = 0;
    forgetPass();
  }

  /**
   * Position, floor and the tokens held; behind them the state of the cache where the next token
   * goes on with it. Big-endian.
   */
  @Override
  public MemorySegment exportState(Arena arena) {
    int[] ids = history.newest(Integer.MAX_VALUE);
    MemorySegment rows =
        endsAt(position()) && passEnd > passBegin ? cache.exportState(arena) : MemorySegment.NULL;
    long head = HEAD_BYTES + (long) ids.length * Integer.BYTES;
    MemorySegment state = arena.allocate(head + rows.byteSize(), Long.BYTES);
    ByteBuffer out = state.asSlice(0, head).asByteBuffer();
    out.putLong(position()).putLong(floor).putInt(ids.length);
    out.asIntBuffer().put(ids);
    state.asSlice(head).copyFrom(rows);
    return state;
  }

  @Override
  public void importState(MemorySegment state) {
    ByteBuffer in = state.asSlice(0, Math.min(state.byteSize(), Integer.MAX_VALUE)).asByteBuffer();
    require(in.remaining() >= HEAD_BYTES);
    long end = in.getLong();
    long begin = in.getLong();
    int held = in.getInt();
    require(begin >= 0 && begin <= end && held >= Math.min(length - 1, end - begin));
    require(held <= Math.min(end, (long) length + runner.maxRows()));
    require(in.remaining() / Integer.BYTES >= held);
    MemorySegment rows = state.asSlice(HEAD_BYTES + (long) held * Integer.BYTES);
    if (rows.byteSize() > 0) {
      cache.importState(rows);
      require(cache.position() == end - begin);
    } else {
      forgetPass();
    }
    history.restart(end - held);
    for (int i = 0; i < held; i++) {
      history.add(in.getInt());
    }
    floor = begin;
    appended = end;
    passBegin = rows.byteSize() > 0 ? begin : -1;
    rowsBegin = end;
    passEnd = rows.byteSize() > 0 ? end : 0;
    lastIsNewest = true;
  }

  private static void require(boolean fits) {
    if (!fits) {
      throw new IllegalArgumentException("the state is not one of this policy");
    }
  }
}
