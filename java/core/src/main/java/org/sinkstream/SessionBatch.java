package org.sinkstream;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.sinkstream.error.DeviceFaultException;
import org.sinkstream.graph.BatchRunner;
import org.sinkstream.graph.Network;
import org.sinkstream.kernels.KvCache;

/**
 * Steps several streams of one model together: each gets its next token, at its own position and
 * under its own policy, and every weight is read once for all. Which sessions take part is said
 * anew with every step, so that a stream joins and leaves between steps at no cost; between steps
 * each session can be used alone, its {@link Session#logits} and {@link Session#candidates} being
 * those after its token. {@link #candidates} asks for those of all at once.
 *
 * <p>Confined to the thread that made it, which must also be that of the sessions. Close it before
 * the model.
 */
public final class SessionBatch implements AutoCloseable {
  /** Most streams that a batch can be made for. */
  public static final int MAX_STREAMS = 256;

  private final Model model;
  private final Owner owner = new Owner("batch");
  private final Arena arena = Arena.ofConfined();
  private final BatchRunner runner;
  private List<Session> last = List.of();

  SessionBatch(Model model, Network network, int maxStreams) {
    this.model = model;
    try {
      this.runner = network.newBatchRunner(arena, maxStreams);
    } catch (RuntimeException | Error failure) {
      arena.close();
      throw failure;
    }
  }

  /** Most streams of one step. */
  public int maxStreams() {
    return runner.maxStreams();
  }

  /**
   * Appends one token to each session. On any failure every stream stays as it was.
   *
   * @param sessions different sessions of this model, at most {@link #maxStreams}
   * @param tokens the next token of each, in the same order
   * @throws IllegalArgumentException for sessions of another model or twice the same, another
   *     number of tokens, a session under {@code recompute:L}, or an id outside the vocabulary
   * @throws IllegalStateException for a session that is closed
   * @throws org.sinkstream.error.MemoryLimitException if a {@code dense} stream would take more
   *     than {@link ModelOptions#memoryLimit}
   * @throws org.sinkstream.error.DeviceMemoryException if a GPU has not the memory for its growth
   * @throws DeviceFaultException if the device or its driver has failed; those of the last step
   *     have no logits to go on from until another token is appended
   */
  public void append(List<Session> sessions, int... tokens) {
    requireTogether(sessions);
    if (tokens.length != sessions.size()) {
      throw new IllegalArgumentException(
          "%d tokens for %d sessions; expected one for each"
              .formatted(tokens.length, sessions.size()));
    }
    model.checkIds(tokens);
    List<KvCache> caches = new ArrayList<>(tokens.length);
    for (int i = 0; i < tokens.length; i++) {
      caches.add(sessions.get(i).cacheFor(tokens[i]));
    }
    List<Session> begun = new ArrayList<>(); // only now: the others will take part as well
    try {
      for (int i = 0; i < tokens.length; i++) {
        if (sessions.get(i).beginWith(tokens[i])) {
          begun.add(sessions.get(i));
        }
      }
      keepLogitsOf(sessions);
      runner.append(caches, tokens);
    } catch (RuntimeException | Error failure) {
      begun.forEach(session -> session.dropLast(1));
      if (failure instanceof DeviceFaultException) {
        loseLogits();
      }
      throw failure;
    }
    for (int i = 0; i < tokens.length; i++) {
      sessions.get(i).appended(tokens[i], runner.logits(i));
    }
    last = List.copyOf(sessions);
  }

  /**
   * Appends to each session the token that is likeliest by its logits (greedy decoding): what
   * {@link #candidates} and {@link #append} do, but in one call, where the sessions are those of
   * the last step in its order and were not used alone since then. A device then goes on before the
   * host knows the tokens; otherwise each session is asked for its own. On any failure every stream
   * stays as it was.
   *
   * @param sessions different sessions of this model, at most {@link #maxStreams}
   * @return the tokens, in the same order
   * @throws IllegalArgumentException for sessions of another model or twice the same, or a session
   *     under {@code recompute:L}
   * @throws IllegalStateException for a session that is closed, or one that has no logits to go on
   *     from
   * @throws org.sinkstream.error.MemoryLimitException as {@link #append}
   * @throws org.sinkstream.error.DeviceMemoryException as {@link #append}
   * @throws DeviceFaultException as {@link #append}
   */
  public int[] appendLikeliest(List<Session> sessions) {
    requireTogether(sessions);
    if (!sessions.equals(last) || !haveLogitsOfTheLastStep()) {
      int[] tokens =
          sessions.stream().mapToInt(session -> session.candidates(1).ids()[0]).toArray();
      append(sessions, tokens);
      return tokens;
    }
    List<KvCache> caches = sessions.stream().map(session -> session.cacheWithRoom(1)).toList();
    int[] tokens;
    try {
      tokens = runner.appendLikeliest(caches);
    } catch (DeviceFaultException fault) {
      loseLogits();
      throw fault;
    }
    for (int i = 0; i < tokens.length; i++) {
      sessions.get(i).appended(tokens[i], runner.logits(i));
    }
    return tokens;
  }

  /** Of the last step: a device may have overwritten them by what it then failed at. */
  private void loseLogits() {
    for (int i = 0; i < last.size(); i++) {
      last.get(i).loseLogits(runner.logits(i));
    }
    last = List.of();
  }

  private boolean haveLogitsOfTheLastStep() {
    for (int i = 0; i < last.size(); i++) {
      if (!last.get(i).goesOnFrom(runner.logits(i))) {
        return false;
      }
    }
    return true;
  }

  /**
   * The tokens that are likeliest to come next in each session of the last step, in its order, as
   * they were then: one answer of the device for all of them.
   *
   * @param count how many for each, 1 to the size of the vocabulary
   * @throws IllegalStateException if nothing has been appended
   */
  public List<Candidates> candidates(int count) {
    requireOpen();
    if (last.isEmpty()) {
      throw new IllegalStateException("there are no logits to go on from: append tokens first");
    }
    return runner.top(last.size(), count).stream().map(Candidates::of).toList();
  }

  private void requireTogether(List<Session> sessions) {
    requireOpen();
    if (sessions.isEmpty() || sessions.size() > maxStreams()) {
      throw new IllegalArgumentException(
          "%d sessions; expected 1 to %d".formatted(sessions.size(), maxStreams()));
    }
    if (sessions.equals(last)) {
      return; // most often
    }
    for (Session session : sessions) {
      if (session.model() != model) {
        throw new IllegalArgumentException("a session of another model than the batch");
      }
    }
    if (Set.copyOf(sessions).size() < sessions.size()) {
      throw new IllegalArgumentException("a session is in the batch twice");
    }
  }

  private void requireOpen() {
    owner.check();
    if (!arena.scope().isAlive()) {
      throw new IllegalStateException("the batch is closed");
    }
  }

  /** Sessions that were in the last step and are not in the next one take their logits along. */
  private void keepLogitsOf(List<Session> next) {
    if (!next.equals(last)) {
      Set<Session> staying = Set.copyOf(next);
      last.stream().filter(session -> !staying.contains(session)).forEach(Session::keepLogits);
    }
  }

  /** Frees its activations; the sessions stay open. Closing twice is harmless. */
  @Override
  public void close() {
    owner.check();
    if (arena.scope().isAlive()) {
      try {
        keepLogitsOf(List.of());
      } finally {
        loseLogits(); // those that could not be kept
        arena.close();
        model.sessionClosed();
      }
    }
  }
}
