package org.sinkstream.kernels;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import org.sinkstream.kernels.ffi.Sinkstream;

/**
 * The likeliest next tokens, chosen where the logits are ({@code choice.h}): a step begins with
 * them before the host knows which they are. Used by one thread at a time.
 */
public final class Choice {
  /** Most tokens that can be banned. */
  public static final int MOST_BANNED = Sinkstream.SKS_MOST_BANNED();

  private final MemorySegment handle;
  private final MemorySegment bannedTokens;
  private final MemorySegment chosen;
  private int chosenRows;

  /** Room for the choices of some rows; freed when the arena closes. */
  public Choice(Device device, Arena arena, int maxRows) {
    this.handle =
        NativeCalls.own(
            arena,
            out -> Sinkstream.sks_choice_create(device.handle(), maxRows, out),
            Sinkstream::sks_choice_destroy);
    this.bannedTokens = arena.allocate(JAVA_INT, MOST_BANNED);
    this.chosen = arena.allocate(JAVA_INT, maxRows);
  }

  /**
   * Chooses a token for each of the first rows of logits, and does not wait for it.
   *
   * @param banned tokens that are not chosen, at most {@link #MOST_BANNED} and not all there are
   * @param ids their place in device memory, for the operations that follow
   */
  public void choose(Tensor logits, int rows, Set<Integer> banned, MemorySegment ids) {
    if (banned.size() > MOST_BANNED) {
      throw new IllegalArgumentException(
          "%d banned tokens; expected at most %d".formatted(banned.size(), MOST_BANNED));
    }
    if (ids.byteSize() < (long) rows * Integer.BYTES) {
      throw new IllegalArgumentException(
          "%d tokens; there is room for %d".formatted(rows, ids.byteSize() / Integer.BYTES));
    }
    int count = 0;
    for (int token : banned) {
      bannedTokens.setAtIndex(JAVA_INT, count++, token);
    }
    logits.require("logits", rows, logits.columns());
    NativeCalls.check(
        Sinkstream.sks_choose(
            handle, logits.data(), rows, logits.columns(), bannedTokens, count, ids));
    chosenRows = rows;
  }

  /** The tokens, once they are known; what follows them goes on meanwhile. */
  public int[] await() {
    NativeCalls.check(Sinkstream.sks_choice_wait(handle, chosen));
    return chosen.asSlice(0, (long) chosenRows * Integer.BYTES).toArray(JAVA_INT);
  }
}
