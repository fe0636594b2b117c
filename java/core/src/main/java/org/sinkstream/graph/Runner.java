package org.sinkstream.graph;

import java.lang.foreign.Arena;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sinkstream.kernels.Choice;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.KvCache;
import org.sinkstream.kernels.Operations;
import org.sinkstream.kernels.Recording;
import org.sinkstream.kernels.Tensor;
import org.sinkstream.kernels.TopK;

/** Takes tokens through a network and gives their logits. Used by one thread at a time. */
public final class Runner {
  /**
   * Logits are computed for this many floats at a time, so that a large vocabulary needs no large
   * buffer.
   */
  private static final int LOGITS_AT_ONCE = 1 << 22;

  private final Device device;
  private final Arena arena;
  private final Operations operations;
  private final Decoder decoder;
  private final Pass pass;
  private final Tensor last;
  private final Recording one;
  private @Nullable Choice choice;
  private @Nullable Tensor block;

  Runner(Device device, Arena arena, Decoder decoder, Pass pass) {
    int vocabulary = decoder.head().rows();
    this.device = device;
    this.arena = arena;
    this.operations = new Operations(device);
    this.decoder = decoder;
    this.pass = pass;
    this.one = new Recording(device, arena);
    this.last = Tensor.allocate(device, arena, 1, vocabulary);
  }

  /** Most tokens of one step. */
  public int maxRows() {
    return pass.maxRows();
  }

  /** Most rows of logits at a time. */
  public int maxLogitRows() {
    return Math.clamp(LOGITS_AT_ONCE / last.columns(), 1, pass.maxRows());
  }

  /**
   * Appends {@code count} tokens, from {@code from} on, to a stream. On any failure the stream
   * stays as it was.
   *
   * @param count at most {@link #maxRows()}
   */
  public void append(KvCache cache, int[] tokens, int from, int count) {
    pass.begin(cache, tokens, from, count);
    decoder.forward(pass);
    pass.commit();
  }

  /** The same, and {@link #last} become the logits of the last of them. */
  public void appendForLast(KvCache cache, int[] tokens, int from, int count) {
    pass.begin(cache, tokens, from, count);
    runForLast(cache, count);
    pass.commit();
  }

  /**
   * Appends the likeliest token, and {@link #last} become the logits after it. The device chooses
   * it and goes on at once: the host hears of it while the step runs.
   *
   * @param logits [1, vocabulary] to choose from
   * @param banned tokens that are not chosen, at most {@link Choice#MOST_BANNED}
   */
  public int appendLikeliest(KvCache cache, Tensor logits, Set<Integer> banned) {
    if (choice == null) {
      choice = new Choice(device, arena, 1);
    }
    choice.choose(logits, 1, banned, pass.ids());
    pass.beginWithChosen(cache);
    runForLast(cache, 1);
    int token = choice.await()[0]; // before it is the stream's: a failure leaves that as it was
    pass.commit();
    return token;
  }

  private void runForLast(KvCache cache, int count) {
    if (count == 1 && cache.isConstant() && !pass.isObserved()) {
      one.run(() -> forwardForLast(1));
    } else {
      forwardForLast(count);
    }
  }

  private void forwardForLast(int count) {
    decoder.forward(pass);
    computeLast(count - 1);
  }

  /** Computes {@link #last} of the token with this index in the last append. */
  public void computeLast(int row) {
    pass.logits(decoder, row, 1, last);
  }

  /**
   * Shows somebody, in the appends to come, what their first token attends to in each layer; nobody
   * any more for null.
   *
   * @param keys at least as many as that token sees, itself among them
   */
  public void observe(@Nullable AttentionObserver observer, long keys) {
    pass.observe(observer, keys);
  }

  /**
   * Logits of some of the tokens appended last.
   *
   * @param first the first of them, counted from the first token of the last {@link #append}
   * @param count how many, at most {@link #maxLogitRows()}
   * @return at least {@code count} rows, valid until the next call
   */
  public Tensor logits(int first, int count) {
    if (block == null) {
      block = Tensor.allocate(device, arena, maxLogitRows(), last.columns());
    }
    pass.logits(decoder, first, count, block);
    return block;
  }

  /** The logits [1, vocabulary] that the next token is chosen from. */
  public Tensor last() {
    return last;
  }

  /** The negative log-likelihood of known tokens under the first rows of logits, in nats. */
  public double[] nll(Tensor logits, int... targets) {
    return operations.nll(logits, targets.length, targets);
  }

  /** The {@code count} largest of some logits [1, vocabulary], largest first. */
  public TopK top(Tensor logits, int count) {
    return operations.topK(logits, 1, count).getFirst();
  }
}
