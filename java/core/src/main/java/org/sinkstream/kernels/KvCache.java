package org.sinkstream.kernels;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.sinkstream.kernels.ffi.Sinkstream;
import org.sinkstream.kernels.ffi.sks_cache_spec;

/**
 * The keys and values of one stream, all layers ({@code cache.h}). Used by one thread at a time.
 */
public final class KvCache {
  /** The window that keeps every token. */
  public static final long DENSE = Sinkstream.SKS_DENSE();

  private final Spec spec;
  private final MemorySegment handle;

  /**
   * What a cache keeps.
   *
   * @param sinks sink tokens, S
   * @param window recent tokens before the one being processed, R, or {@link #DENSE}
   * @param maxRows most tokens of the stream in one batch
   * @param type element type of keys and values
   */
  public record Spec(long sinks, long window, int maxRows, ElementType type) {
    private MemorySegment allocate(Arena arena) {
      MemorySegment spec = sks_cache_spec.allocate(arena);
      sks_cache_spec.sinks(spec, sinks);
      sks_cache_spec.window(spec, window);
      sks_cache_spec.max_rows(spec, maxRows);
      sks_cache_spec.type(spec, type.code());
      return spec;
    }
  }

  /** Makes an empty cache; freed when the arena closes. */
  public KvCache(Arena arena, Attention attention, Spec spec) {
    this.spec = spec;
    try (Arena call = Arena.ofConfined()) {
      MemorySegment native_ = spec.allocate(call);
      this.handle =
          NativeCalls.own(
              arena,
              out -> Sinkstream.sks_cache_create(attention.handle(), native_, out),
              Sinkstream::sks_cache_destroy);
    }
  }

  /** Bytes that a cache of this spec takes; {@link Long#MAX_VALUE} where that overflows. */
  public static long requiredBytes(Attention attention, Spec spec) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment bytes = call.allocate(JAVA_LONG);
      NativeCalls.check(
          Sinkstream.sks_cache_required_bytes(attention.handle(), spec.allocate(call), bytes));
      return bytes.get(JAVA_LONG, 0);
    }
  }

  /** What the cache was made for. */
  public Spec spec() {
    return spec;
  }

  /** Whether its storage stays what and where it is for as long as it lives. */
  public boolean isConstant() {
    return spec.window != DENSE;
  }

  /** Bytes held now for keys and values. */
  public long bytes() {
    return Sinkstream.sks_cache_bytes(handle);
  }

  /** The position of the next token. */
  public long position() {
    return Sinkstream.sks_cache_position(handle);
  }

  /** Tokens that the next one will attend to besides itself. */
  public long tokens() {
    return Sinkstream.sks_cache_tokens(handle);
  }

  /**
   * Makes room for the first {@code tokens} tokens of a dense cache. Where it must grow it doubles,
   * as far as there is the memory and up to {@code most} tokens, so that the copies cost a constant
   * per token. Any other cache has all its room already.
   *
   * @throws org.sinkstream.error.DeviceMemoryException if there is not the memory for {@code
   *     tokens}: what it takes, what is free, and which windows would fit in its place
   */
  public void grow(long tokens, long most) {
    NativeCalls.check(Sinkstream.sks_cache_grow(handle, tokens, most));
  }

  /** The first tokens of the stream that there is room for now. */
  public long room() {
    return Sinkstream.sks_cache_room(handle);
  }

  /** Forgets every token. */
  public void clear() {
    Sinkstream.sks_cache_clear(handle);
  }

  /**
   * Takes back the newest tokens.
   *
   * @throws IllegalStateException if rows that the shorter stream needs are gone
   */
  public void dropLast(long count) {
    NativeCalls.check(Sinkstream.sks_cache_drop_last(handle, count));
  }

  /**
   * Removes the tokens at positions {@code [begin, end)} from the window; newer ones move down.
   *
   * @throws IllegalStateException if {@code begin} has left the window already
   */
  public void evict(long begin, long end) {
    NativeCalls.check(Sinkstream.sks_cache_evict(handle, begin, end));
  }

  /** The whole state as bytes, in memory of {@code arena}. */
  public MemorySegment exportState(Arena arena) {
    MemorySegment state = arena.allocate(Sinkstream.sks_cache_state_bytes(handle));
    NativeCalls.check(Sinkstream.sks_cache_export(handle, state, state.byteSize()));
    return state;
  }

  /**
   * Takes in what {@link #exportState} of a cache of the same attention and spec gave.
   *
   * @throws IllegalArgumentException if it does not fit; the cache is unchanged then
   */
  public void importState(MemorySegment state) {
    NativeCalls.check(Sinkstream.sks_cache_import(handle, state, state.byteSize()));
  }

  MemorySegment handle() {
    return handle;
  }
}
