package org.sinkstream.kernels;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import org.sinkstream.kernels.ffi.Sinkstream;

/**
 * The likeliest next token, chosen where the logits are ({@code choice.h}): a step begins with it
 * before the host knows which one it is. Used by one thread at a time.
 */
public final class Choice {
  /** Most tokens that can be left out. */
  public static final int MOST_BANNED = Sinkstream.SKS_MOST_BANNED();

  private final MemorySegment handle;
  private final MemorySegment banned;
  private final MemorySegment chosen;

  /** Room for one; freed when the arena closes. */
  public Choice(Device device, Arena arena) {
    this.handle =
        NativeCalls.own(
            arena,
            out -> Sinkstream.sks_choice_create(device.handle(), 1, out),
            Sinkstream::sks_choice_destroy);
    this.banned = arena.allocate(JAVA_INT, MOST_BANNED);
    this.chosen = arena.allocate(JAVA_INT);
  }

  /**
   * Chooses a token without waiting for it.
   *
   * @param logits [1, vocabulary]
   * @param without tokens that are not chosen, at most {@link #MOST_BANNED} and not all there are
   * @param ids its place in device memory, for the operations that follow
   */
  public void choose(Tensor logits, Set<Integer> without, MemorySegment ids) {
    if (without.size() > MOST_BANNED) {
      throw new IllegalArgumentException(
          "%d tokens to be left out; expected at most %d".formatted(without.size(), MOST_BANNED));
    }
    int count = 0;
    for (int token : without) {
      banned.setAtIndex(JAVA_INT, count++, token);
    }
    logits.require("logits", 1, logits.columns());
    NativeCalls.check(
        Sinkstream.sks_choose(handle, logits.data(), 1, logits.columns(), banned, count, ids));
  }

  /** The token, once it is known; what follows it goes on meanwhile. */
  public int await() {
    NativeCalls.check(Sinkstream.sks_choice_wait(handle, chosen));
    return chosen.get(JAVA_INT, 0);
  }
}
