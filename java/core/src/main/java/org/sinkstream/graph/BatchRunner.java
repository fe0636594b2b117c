package org.sinkstream.graph;

import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.sinkstream.kernels.Choice;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.KvCache;
import org.sinkstream.kernels.Operations;
import org.sinkstream.kernels.Recording;
import org.sinkstream.kernels.Tensor;
import org.sinkstream.kernels.TopK;

/**
 * Takes one token of each of several streams through a network together: every weight is read once
 * for all of them. Used by one thread at a time.
 */
public final class BatchRunner {
  private final Device device;
  private final Arena arena;
  private final Operations operations;
  private final Decoder decoder;
  private final Pass pass;
  private final Tensor logits;

  /** Of steps of so many rows, and caches of at most {@link #widest} tokens. */
  private final Map<Integer, Recording> recordings = new HashMap<>();

  private long widest;
  private @Nullable Choice choice;

  BatchRunner(Device device, Arena arena, Decoder decoder, Pass pass) {
    this.device = device;
    this.arena = arena;
    this.operations = new Operations(device);
    this.decoder = decoder;
    this.pass = pass;
    this.logits = Tensor.allocate(device, arena, pass.maxRows(), decoder.head().rows());
  }

  /** Most streams of one step. */
  public int maxStreams() {
    return pass.maxRows();
  }

  /**
   * Appends one token to each of some different streams. On any failure the streams stay as they
   * were.
   *
   * @param tokens one for each stream
   */
  public void append(List<KvCache> caches, int[] tokens) {
    run(caches, rows -> pass.begin(caches, tokens, rows));
    pass.commit();
  }

  /**
   * Appends to each of the streams of the last step the token that is likeliest by its logits. The
   * device chooses them and goes on at once: the host hears of them while the step runs.
   *
   * @param caches those of the last step, in its order
   * @return the tokens
   */
  public int[] appendLikeliest(List<KvCache> caches) {
    if (choice == null) {
      choice = new Choice(device, arena, maxStreams());
    }
    choice.choose(logits, caches.size(), Set.of(), pass.ids());
    run(caches, rows -> pass.beginWithChosen(caches, rows));
    int[] tokens = choice.await(); // before they are the streams': a failure leaves those
    pass.commit();
    return tokens;
  }

  /**
   * Computes a step of one token of each stream.
   *
   * @param begin begins it, given how many rows there are to compute
   */
  private void run(List<KvCache> caches, IntConsumer begin) {
    boolean constant = true;
    long tokensKept = 0;
    for (KvCache cache : caches) {
      constant &= cache.isConstant();
      tokensKept = Math.max(tokensKept, cache.spec().sinks() + cache.spec().window());
    }
    int rows = constant ? rowsFor(caches.size()) : caches.size();
    begin.accept(rows);
    if (constant) {
      recordingFor(rows, tokensKept).run(() -> forward(rows));
    } else {
      forward(rows);
    }
  }

  private Recording recordingFor(int rows, long tokensKept) {
    if (tokensKept > widest) {
      recordings.clear(); // their native halves stay until the arena closes: widths are few
      widest = tokensKept;
    }
    return recordings.computeIfAbsent(rows, ignored -> new Recording(device, arena));
  }

  /**
   * Rows to compute for so many streams. Where steps are recorded it is a power of two, so that a
   * handful of recordings serve any number of streams, whichever join and leave.
   */
  private int rowsFor(int streams) {
    int power = Integer.highestOneBit(streams);
    return power < streams && device.records() ? Math.min(2 * power, maxStreams()) : streams;
  }

  private void forward(int rows) {
    decoder.forward(pass);
    pass.logits(decoder, 0, rows, logits);
  }

  /** The logits [1, vocabulary] of one of the streams of the last step. */
  public Tensor logits(int stream) {
    return logits.rows(stream, 1);
  }

  /** The {@code count} largest logits of each of its first {@code streams}, largest first. */
  public List<TopK> top(int streams, int count) {
    return operations.topK(logits, streams, count);
  }
}
