package org.sinkstream;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.sinkstream.error.DeviceFaultException;
import org.sinkstream.graph.Network;
import org.sinkstream.graph.Runner;
import org.sinkstream.kernels.KvCache;
import org.sinkstream.kernels.Tensor;

/**
 * One stream of tokens through a model, and its cache. The stream has no end: what has left the
 * window no longer counts, and with a {@code S+R} policy neither memory nor the cost of a token
 * grows.
 *
 * <p>Where the model has a sink token ({@link ModelInfo#sinkToken}), every stream begins with it:
 * it is put in front of the first token appended, unless that is the sink token already, and counts
 * among the stream's tokens and the policy's sink tokens.
 *
 * <p>Confined to the thread that started it: any other thread is refused with {@link
 * WrongThreadException}. After {@link #close} every method throws {@link IllegalStateException}.
 *
 * <p>A call that fails leaves the tokens of the stream as they were before the chunk that it failed
 * at; a sink token goes with the chunk that it was put in front of. Where that chunk had been
 * computed, since a visitor threw or the device failed, there are no logits to go on from until
 * another token is appended. Where the device or its driver fails, the call that computes, or a
 * later one, throws {@link DeviceFaultException}.
 */
public final class Session implements AutoCloseable {
  private final Model model;
  private final CachePolicy policy;
  private final Owner owner = new Owner("session");
  private final Arena arena = Arena.ofConfined();
  private final KvCache.Spec spec;
  private final Runner runner;
  private final Context context;
  private final NextLogits logits;
  private final TokenHistory recent = new TokenHistory(Sampling.MAX_REPETITION_WINDOW);
  private long promptTokens;
  private long promptNanos;
  private @Nullable Generation generation;

  /**
   * Starts a stream.
   *
   * @param limit asked for once the activations are there, which take memory beside the cache
   */
  Session(
      Model model,
      Network network,
      CachePolicy policy,
      KvCache.Spec spec,
      Supplier<CacheLimit> limit) {
    this.model = model;
    this.policy = policy;
    this.spec = spec;
    try {
      this.runner = network.newRunner(arena, spec.maxRows());
      CacheLimit cacheLimit = limit.get();
      cacheLimit.requireStart(policy, spec);
      KvCache cache = network.newCache(arena, spec);
      this.context =
          policy instanceof CachePolicy.Recompute(int length)
              ? new RecomputedContext(length, model.sinkToken(), cache, runner)
              : new CachedContext(cache, runner, cacheLimit);
      this.logits = new NextLogits(context, runner, arena);
    } catch (RuntimeException | Error failure) {
      arena.close();
      throw failure;
    }
  }

  /** The model this stream runs through. */
  public Model model() {
    return model;
  }

  /** What the cache keeps. */
  public CachePolicy policy() {
    return policy;
  }

  /**
   * The position of the next token: tokens appended and generated, less those dropped or evicted.
   */
  public long position() {
    check();
    return context.position();
  }

  /** Tokens in the cache that the next one attends to. */
  public long cachedTokens() {
    check();
    return context.tokens();
  }

  /** Bytes the cache holds. Constant but for {@code dense}. */
  public long cacheBytes() {
    check();
    return context.bytes();
  }

  /**
   * Makes room for tokens to come, or says before any work is done that there is not the memory for
   * them. Only {@code dense} streams need any; without it they grow as they go. On a GPU growth
   * takes the memory of old and new storage at once: a stream that grows as it goes ends between
   * half and two thirds of the memory, one that reserves before its first token has almost all of
   * it.
   *
   * @param tokens how many more there will be
   * @throws org.sinkstream.error.MemoryLimitException if their keys and values would take more than
   *     {@link ModelOptions#memoryLimit}
   * @throws org.sinkstream.error.DeviceMemoryException if a GPU has not the memory for the growth
   */
  public void reserve(long tokens) {
    check();
    if (tokens < 0) {
      throw new IllegalArgumentException(
          "room for %d tokens; expected 0 or more".formatted(tokens));
    }
    boolean sinkToCome = context.position() == 0 && model.sinkToken().isPresent();
    context.reserve(Math.max(tokens, tokens + (sinkToCome ? 1 : 0)));
  }

  /**
   * Appends tokens to the stream: any number, also more than the cache holds.
   *
   * @throws IllegalArgumentException for an id outside the vocabulary; nothing is appended then
   */
  public void append(int... tokens) {
    appendChunks(tokens, (start, count) -> {});
  }

  /**
   * Appends a text. At the start of the stream with the special tokens that the tokenizer puts in
   * front, after that without.
   *
   * @return how many tokens it was
   */
  public int append(String text) {
    check();
    int[] tokens = model.tokenizer().encode(text, context.position() == 0);
    append(tokens);
    return tokens.length;
  }

  /**
   * Appends tokens and shows the logits after each.
   *
   * @throws IllegalArgumentException for an id outside the vocabulary; nothing is appended then
   */
  public void append(int[] tokens, LogitsVisitor visitor) {
    appendChunks(
        tokens,
        (start, count) -> {
          long first = context.position() - count;
          eachBlock(
              count,
              (from, rows, computed) -> {
                try (Arena call = Arena.ofConfined()) {
                  MemorySegment block = computed.rows(0, rows).read(call);
                  long row = block.byteSize() / rows;
                  for (int i = 0; i < rows; i++) {
                    visitor.visit(
                        first + from + i,
                        block
                            .asSlice(i * row, row)
                            .asByteBuffer()
                            .order(ByteOrder.nativeOrder())
                            .asFloatBuffer());
                  }
                }
              });
        });
  }

  /**
   * Appends tokens and gives the negative log-likelihood of each, in nats, under what the model
   * expected there. The first token of a stream was not expected: its value is NaN, unless the
   * model's sink token was put in front of it.
   *
   * @throws IllegalArgumentException for an id outside the vocabulary; nothing is appended then
   */
  public double[] score(int... tokens) {
    double[] losses = new double[tokens.length];
    appendChunks(
        tokens,
        () ->
            losses[0] = logits.areKnown() ? runner.nll(logits.tensor(), tokens[0])[0] : Double.NaN,
        (start, count) ->
            eachBlock(
                Math.min(count, tokens.length - 1 - start),
                (from, rows, computed) -> {
                  int next = start + from + 1;
                  double[] block =
                      runner.nll(computed, Arrays.copyOfRange(tokens, next, next + rows));
                  System.arraycopy(block, 0, losses, next, rows);
                }));
    return losses;
  }

  /**
   * Appends tokens one at a time and shows what each of them attends to: for looking at a model,
   * not for speed.
   *
   * @throws IllegalArgumentException for an id outside the vocabulary; nothing is appended then
   * @throws IllegalStateException under {@code recompute:L}, where a token attends anew in every
   *     pass
   */
  public void observe(int[] tokens, AttentionVisitor visitor) {
    check();
    model.checkIds(tokens);
    if (policy instanceof CachePolicy.Recompute) {
      throw new IllegalStateException(
          "cache policy %s: attention can be observed under S+R and dense alone".formatted(policy));
    }
    for (int token : tokens) {
      behindSinkToken(token, () -> observe(token, visitor));
    }
  }

  private void observe(int token, AttentionVisitor visitor) {
    long position = context.position();
    runner.observe(
        (layer, weights) -> visitor.visit(position, layer, weights), context.tokens() + 1);
    try {
      append(token);
    } finally {
      runner.observe(null, 0);
    }
  }

  /** Called after each chunk: the index of its first token, and how many there are. */
  private interface ChunkVisitor {
    void visit(int start, int count);
  }

  /** Takes some rows of logits of the last chunk. */
  private interface BlockVisitor {
    void visit(int from, int rows, Tensor logits);
  }

  private void appendChunks(int[] tokens, ChunkVisitor visitor) {
    appendChunks(tokens, () -> {}, visitor);
  }

  /**
   * Appends tokens chunk by chunk.
   *
   * @param begun called where there are tokens, before the first and behind a sink token before it
   */
  private void appendChunks(int[] tokens, Runnable begun, ChunkVisitor visitor) {
    check();
    model.checkIds(tokens);
    long begin = System.nanoTime();
    if (tokens.length > 0) {
      context.reserve(tokens.length + (lacksSinkTokenBefore(tokens[0]) ? 1L : 0));
    }
    for (int start = 0; start < tokens.length; start += runner.maxRows()) {
      int from = start;
      int count = Math.min(runner.maxRows(), tokens.length - start);
      behindSinkToken(
          tokens[from],
          () -> {
            if (from == 0) {
              begun.run();
            }
            appendChunk(tokens, from, count, visitor);
          });
    }
    promptTokens += tokens.length;
    promptNanos += System.nanoTime() - begin;
  }

  /** Appends what begins with this token, behind the sink token where that lacks: both or none. */
  private void behindSinkToken(int first, Runnable append) {
    boolean lacked = beginWith(first);
    try {
      append.run();
    } catch (RuntimeException | Error failure) {
      if (lacked) {
        dropLast(1);
      }
      throw failure;
    }
  }

  /**
   * Puts the sink token in front of a stream that begins with this token, unless it is that one.
   *
   * @return whether it is there now and was not before
   */
  boolean beginWith(int first) {
    boolean lacksSinkToken = lacksSinkTokenBefore(first);
    if (lacksSinkToken) {
      appendChunk(new int[] {model.sinkToken().getAsInt()}, 0, 1);
    }
    return lacksSinkToken;
  }

  private boolean lacksSinkTokenBefore(int token) {
    OptionalInt sink = model.sinkToken();
    return sink.isPresent() && token != sink.getAsInt() && context.position() == 0;
  }

  private void appendChunk(int[] tokens, int start, int count) {
    orWithoutLogits(() -> {
      context.append(tokens, start, count);
      return count;
    });
    for (int i = start; i < start + count; i++) {
      recent.add(tokens[i]);
    }
    logits.become();
  }

  /** Appends a chunk and shows it, and computes the logits after the last one: all or nothing. */
  private void appendChunk(int[] tokens, int start, int count, ChunkVisitor visitor) {
    appendChunk(tokens, start, count);
    try {
      visitor.visit(start, count);
      if (start + count == tokens.length) {
        context.last();
      }
    } catch (RuntimeException | Error failure) {
      dropLast(count); // the newest chunk can always be taken back
      throw failure;
    }
  }

  /** A device may have overwritten the logits by what it then failed at. */
  private int orWithoutLogits(IntSupplier step) {
    try {
      return step.getAsInt();
    } catch (DeviceFaultException fault) {
      logits.lose();
      throw fault;
    }
  }

  private void eachBlock(int count, BlockVisitor visitor) {
    for (int from = 0; from < count; from += context.maxLogitRows()) {
      int rows = Math.min(context.maxLogitRows(), count - from);
      visitor.visit(from, rows, context.logits(from, rows));
    }
  }

  /**
   * The logits of the next token, a copy.
   *
   * @throws IllegalStateException if nothing has been appended, or tokens were taken back since
   */
  public float[] logits() {
    check();
    return logits.toArray();
  }

  /**
   * The tokens that are likeliest to come next: what a sampler of one's own, which appends what it
   * chooses, needs of the logits.
   *
   * @param count how many, 1 to the size of the vocabulary
   * @throws IllegalStateException if nothing has been appended, or tokens were taken back since
   */
  public Candidates candidates(int count) {
    check();
    return Candidates.of(runner.top(logits.tensor(), count));
  }

  /**
   * Generates tokens lazily: each is chosen, appended to the stream and given out, so that the
   * stream always holds exactly what was given out. Only one generation of a session runs at a
   * time: starting another ends this one.
   *
   * @throws IllegalStateException if there are no logits to go on from: nothing has been appended
   *     yet, or tokens were taken back since
   * @throws IllegalArgumentException for generation without end where all of the model's tokens end
   *     its text
   */
  public Generation generate(GenerationOptions options) {
    check();
    logits.require();
    awaitPrompt();
    Generation next =
        new Generation(
            this, options, recent.newest(16), promptTokens, Duration.ofNanos(promptNanos));
    if (generation != null) {
      generation.cancel();
    }
    generation = next;
    promptTokens = 0;
    promptNanos = 0;
    return next;
  }

  /** A device may still be at work on the prompt, which is a part of its time. */
  private void awaitPrompt() {
    if (promptTokens > 0) {
      long begin = System.nanoTime();
      runner.top(logits.tensor(), 1);
      promptNanos += System.nanoTime() - begin;
    }
  }

  /** Generates tokens and hands each to {@code consumer}. */
  public Generation generate(GenerationOptions options, Consumer<? super Token> consumer) {
    Generation run = generate(options);
    run.forEach(consumer);
    return run;
  }

  /** Chooses the next token and appends it. */
  int step(Sampler sampler) {
    check();
    Tensor next = logits.tensor();
    int token;
    if (sampler.takesLikeliest() && context instanceof CachedContext cached) {
      token = orWithoutLogits(() -> cached.appendLikeliest(next, sampler.banned()));
      recent.add(token);
      logits.become();
    } else {
      token =
          sampler.choose(model.info().vocabulary(), k -> runner.top(next, k), next, recent::newest);
      appendChunk(new int[] {token}, 0, 1, (start, count) -> {});
    }
    return token;
  }

  /**
   * Takes back the newest tokens. Possible while the cache has not been full, and for the newest
   * few after that.
   *
   * @throws IllegalStateException if what the shorter stream would attend to is gone; nothing
   *     changes then
   */
  public void dropLast(long count) {
    check();
    context.dropLast(count);
    if (count > 0) {
      recent.drop(count);
      logits.lose();
    }
  }

  /**
   * Removes the tokens at positions {@code [begin, end)} from the window; the newer ones move down.
   * Sink tokens stay. Where nothing is left there are no logits to go on from, and at position 0
   * the stream starts again.
   *
   * @throws IllegalStateException if {@code begin} has left the window already; nothing changes
   *     then
   */
  public void evict(long begin, long end) {
    check();
    context.evict(begin, end);
    if (begin < end && context.tokens() == 0) {
      logits.lose();
    }
  }

  /** Forgets every token: the stream starts again at position 0. */
  public void clear() {
    check();
    context.clear();
    recent.restart(0);
    logits.lose();
  }

  /**
   * Writes the whole state to a file that {@link Model#restore} continues from. Atomic: the file is
   * whole or not there.
   *
   * @throws IOException if it cannot be written
   */
  public void save(Path file) throws IOException {
    check();
    try (Arena call = Arena.ofConfined()) {
      MemorySegment next = logits.areKnown() ? logits.tensor().read(call) : MemorySegment.NULL;
      new Snapshot(
              model.fingerprint(),
              policy,
              model.sinkToken(),
              spec,
              recent.newest(Sampling.MAX_REPETITION_WINDOW),
              next,
              context.exportState(call))
          .write(file);
    }
  }

  void restore(Snapshot snapshot) {
    context.importState(snapshot.state());
    Arrays.stream(snapshot.recentTokens()).forEach(recent::add);
    if (snapshot.logits().byteSize() > 0) {
      logits.become(snapshot.logits());
    }
  }

  /**
   * The cache, with room for a token that a step of several streams gives this one, and for the
   * sink token where {@link #beginWith} will put it first. The stream stays as it is.
   *
   * @throws IllegalArgumentException if the policy has none that goes on from token to token
   */
  KvCache cacheFor(int token) {
    check();
    return cacheWithRoom(lacksSinkTokenBefore(token) ? 2 : 1);
  }

  /** The cache, with room for so many more tokens; as {@link #cacheFor}. */
  KvCache cacheWithRoom(long tokens) {
    check();
    if (!(context instanceof CachedContext cached)) {
      throw new IllegalArgumentException(
          "cache policy %s: streams under S+R and dense alone can be stepped together"
              .formatted(policy));
    }
    return cached.cache(tokens);
  }

  /** Whether the next token goes on from these logits, in a batch's memory. */
  boolean goesOnFrom(Tensor next) {
    check();
    return logits.are(next);
  }

  /**
   * Takes in what a batch's step of one token did.
   *
   * @param token the one that was appended
   * @param next the logits of the next one, there until {@link #keepLogits}
   */
  void appended(int token, Tensor next) {
    recent.add(token);
    logits.become(next);
  }

  /** Copies logits that lie in a batch's memory, if they still are the newest ones. */
  void keepLogits() {
    if (arena.scope().isAlive()) {
      logits.keep();
    }
  }

  /** Does without these logits, in a batch's memory, where they are the newest ones. */
  void loseLogits(Tensor next) {
    if (logits.are(next)) {
      logits.lose();
    }
  }

  private void check() {
    owner.check();
    if (!arena.scope().isAlive()) {
      throw new IllegalStateException("the session is closed");
    }
  }

  /** Frees the cache and the activations. Closing twice is harmless. */
  @Override
  public void close() {
    owner.check();
    if (arena.scope().isAlive()) {
      arena.close();
      model.sessionClosed();
    }
  }
}
