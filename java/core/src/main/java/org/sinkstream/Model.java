package org.sinkstream;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.sinkstream.checkpoint.Checkpoint;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.error.DeviceException;
import org.sinkstream.graph.ModelConfig;
import org.sinkstream.graph.Network;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.KvCache;
import org.sinkstream.text.Detokenizer;
import org.sinkstream.text.Tokenizer;

/**
 * A language model, opened for decoding: weights mapped from its checkpoint, tokenizer, device.
 * Thread-safe: sessions of one model may run in several threads at once. Close it after its
 * sessions.
 */
public final class Model implements AutoCloseable {
  private final ModelOptions options;
  private final Device device;
  private final Arena arena = Arena.ofShared();
  private final Network network;
  private final @Nullable Tokenizer tokenizer;
  private final String withoutTokenizer;
  private final Set<Integer> endOfText;
  private final ModelInfo info;
  private final String fingerprint;
  private final OptionalInt sinkToken;
  private final AtomicInteger sessions = new AtomicInteger();

  /**
   * Loads a model on a device that it closes, also when it cannot be loaded.
   *
   * @param source the model, for messages
   * @param withoutTokenizer why a call that needs the tokenizer is refused where there is none
   */
  private Model(
      ModelOptions options,
      Device device,
      String source,
      Function<Arena, Checkpoint> weights,
      Supplier<Optional<Tokenizer>> tokenizer,
      String withoutTokenizer,
      LoadProgress progress) {
    this.options = options;
    this.device = device;
    this.withoutTokenizer = withoutTokenizer;
    try {
      Checkpoint checkpoint = weights.apply(arena);
      ModelConfig config = ModelConfig.read(checkpoint.config());
      if (!device.sharesHostMemory()) {
        GpuWeights.of(source, checkpoint, config, device.host(), options.packed())
            .requireRoom(device);
      }
      long total = checkpoint.sumOfAll(tensor -> tensor.data().byteSize());
      progress.loaded(0, total);
      AtomicLong loaded = new AtomicLong();
      this.network =
          new Network(
              device,
              arena,
              checkpoint,
              config,
              options.packed(),
              bytes -> progress.loaded(loaded.addAndGet(bytes), total));
      checkpoint.warnAboutUnused();
      this.endOfText = checkpoint.endOfText();
      this.tokenizer = tokenizer.get().orElse(null);
      this.fingerprint = checkpoint.fingerprint();
      this.sinkToken = sinkToken(network.config());
      this.info = info(network.config(), checkpoint);
    } catch (RuntimeException | Error failure) {
      arena.close();
      device.close();
      throw failure;
    }
  }

  private static Device open(ModelOptions options) {
    return Device.open(options.device(), options.threads());
  }

  private OptionalInt sinkToken(ModelConfig config) {
    if (options.sinkToken().isEmpty()) {
      return config.sinks().token();
    }
    int token = options.sinkToken().getAsInt();
    if (token < 0 || token >= config.vocabulary()) {
      throw new IllegalArgumentException(
          "sink token: %d; the vocabulary is 0 to %d".formatted(token, config.vocabulary() - 1));
    }
    return options.sinkToken();
  }

  private ModelInfo info(ModelConfig config, Checkpoint checkpoint) {
    return new ModelInfo(
        config.architecture(),
        config.layers(),
        config.hidden(),
        config.heads(),
        config.kvHeads(),
        config.headDim(),
        config.vocabulary(),
        config.trainedContext(),
        network.hasSinkLogits(),
        sinkToken,
        checkpoint.parameters(),
        checkpoint.weightTypes(),
        checkpoint.weightBytes(),
        network.stepBytes(),
        options.device(),
        device.isa(),
        device.threads(),
        options.kvType(),
        network.tokenBytes(options.kvType().elementType()));
  }

  /**
   * Opens a model with {@link ModelOptions#defaults}.
   *
   * @param path a Hugging Face model directory, which holds {@code config.json}, safetensors and,
   *     for text, {@code tokenizer.json}; or a GGUF file
   * @throws CheckpointException if a file is missing, damaged or of a kind that is not supported
   */
  public static Model open(Path path) {
    return open(path, ModelOptions.defaults());
  }

  /**
   * Opens a model.
   *
   * @param path a Hugging Face model directory, which holds {@code config.json}, safetensors and,
   *     for text, {@code tokenizer.json}; or a GGUF file
   * @throws CheckpointException if a file is missing, damaged or of a kind that is not supported
   * @throws DeviceException if the device is not there
   */
  public static Model open(Path path, ModelOptions options) {
    return open(path, options, LoadProgress.NONE);
  }

  /**
   * Opens a model and tells how far that is.
   *
   * @param path a Hugging Face model directory, which holds {@code config.json}, safetensors and,
   *     for text, {@code tokenizer.json}; or a GGUF file
   * @throws CheckpointException if a file is missing, damaged or of a kind that is not supported
   * @throws DeviceException if the device is not there
   */
  public static Model open(Path path, ModelOptions options, LoadProgress progress) {
    return open(path, options, open(options), progress);
  }

  /** Opens a model on a device that it closes, also when it cannot be opened. */
  static Model open(Path path, ModelOptions options, Device device) {
    return open(path, options, device, LoadProgress.NONE);
  }

  private static Model open(Path path, ModelOptions options, Device device, LoadProgress progress) {
    return new Model(
        options,
        device,
        path.toString(),
        arena -> Checkpoint.open(path, arena),
        () -> Tokenizer.ofModel(path),
        Files.isDirectory(path)
            ? path.resolve("tokenizer.json") + ": missing, and text needs a tokenizer"
            : path + ": no tokenizer, and text needs one",
        progress);
  }

  /**
   * Makes a model of a published shape with random weights in memory, for measuring: it does the
   * published one's work, and has no tokenizer.
   *
   * @param type of its matrices
   * @throws org.sinkstream.error.DeviceMemoryException if it takes more memory than there is
   * @throws DeviceException if the device is not there
   */
  public static Model synthetic(SyntheticShape shape, WeightType type, ModelOptions options) {
    return synthetic(shape, type, options, LoadProgress.NONE);
  }

  /**
   * Makes a model of a published shape with random weights and tells how far that is.
   *
   * @param type of its matrices
   * @throws org.sinkstream.error.DeviceMemoryException if it takes more memory than there is
   * @throws DeviceException if the device is not there
   */
  public static Model synthetic(
      SyntheticShape shape, WeightType type, ModelOptions options, LoadProgress progress) {
    Device device = open(options);
    return new Model(
        options,
        device,
        shape.toString(),
        arena -> shape.checkpoint(type, device, arena, options.packed()),
        Optional::empty,
        shape + ": random weights have no tokenizer, and text needs one",
        progress);
  }

  /** What the model is and where it runs. */
  public ModelInfo info() {
    return info;
  }

  /**
   * The model's tokenizer.
   *
   * @throws CheckpointException if the model has none
   */
  public Tokenizer tokenizer() {
    if (tokenizer == null) {
      throw new CheckpointException(withoutTokenizer);
    }
    return tokenizer;
  }

  /**
   * A detokenizer that goes on from {@code context}, or one that gives no text where there is no
   * tokenizer.
   */
  Detokenizer newDetokenizer(int[] context) {
    return tokenizer == null ? Detokenizer.none() : tokenizer.newDetokenizer(context);
  }

  /** The tokens with which the model ends its text; empty where its configs name none. */
  public Set<Integer> endOfText() {
    return endOfText;
  }

  /** The policy for this model where none is asked for: {@link CachePolicy#fitting}. */
  public CachePolicy defaultPolicy() {
    return CachePolicy.fitting(info.trainedContext());
  }

  /** Bytes that a session's cache takes under a policy; for {@code dense}, at its start. */
  public long cacheBytes(CachePolicy policy) {
    return network.cacheBytes(spec(policy));
  }

  private KvCache.Spec spec(CachePolicy policy) {
    return switch (policy) {
      case CachePolicy.Streaming(long sinks, long window) ->
          new KvCache.Spec(sinks, window, options.chunk(), options.kvType().elementType());
      case CachePolicy.Dense() ->
          new KvCache.Spec(0, KvCache.DENSE, options.chunk(), options.kvType().elementType());
      case CachePolicy.Recompute(int length) -> // the last token of a pass attends to the others
          new KvCache.Spec(
              0, Math.max(1, length - 1), options.chunk(), options.kvType().elementType());
    };
  }

  private CacheLimit cacheLimit() {
    OptionalLong limit = options.memoryLimit();
    boolean binding = limit.isPresent() || device.sharesHostMemory();
    return new CacheLimit(
        network,
        options.kvType().elementType(),
        limit.orElseGet(() -> device.memory().available()),
        binding);
  }

  /** Starts a stream with {@link #defaultPolicy}. */
  public Session newSession() {
    return newSession(defaultPolicy());
  }

  /**
   * Starts a stream. It belongs to the calling thread.
   *
   * @throws org.sinkstream.error.MemoryLimitException if its cache takes more than {@link
   *     ModelOptions#memoryLimit}
   * @throws org.sinkstream.error.DeviceMemoryException if its cache takes more memory than there is
   */
  public Session newSession(CachePolicy policy) {
    sessions.incrementAndGet();
    try {
      return new Session(this, network, policy, spec(policy), this::cacheLimit);
    } catch (RuntimeException | Error failure) {
      sessions.decrementAndGet();
      throw failure;
    }
  }

  /**
   * Starts a stream that goes on where {@link Session#save} left one. It belongs to the calling
   * thread.
   *
   * @param policy the policy of the saved session
   * @throws IOException if the file cannot be read
   * @throws org.sinkstream.error.SnapshotException if it is damaged, or is of another model,
   *     policy, type or chunk
   */
  public Session restore(Path file, CachePolicy policy) throws IOException {
    try (Arena call = Arena.ofConfined()) {
      Snapshot snapshot = Snapshot.read(file, call, fingerprint, policy, sinkToken, spec(policy));
      Session session = newSession(policy);
      try {
        session.restore(snapshot);
        return session;
      } catch (RuntimeException | Error failure) {
        session.close();
        throw failure;
      }
    }
  }

  /**
   * A batch that steps several sessions of this model together. It belongs to the calling thread.
   *
   * @param maxStreams most sessions of one step, 1 to {@link SessionBatch#MAX_STREAMS}
   * @throws org.sinkstream.error.DeviceMemoryException if its activations take more memory than
   *     there is
   */
  public SessionBatch newBatch(int maxStreams) {
    if (maxStreams < 1 || maxStreams > SessionBatch.MAX_STREAMS) {
      throw new IllegalArgumentException(
          "streams: %d; expected 1 to %d".formatted(maxStreams, SessionBatch.MAX_STREAMS));
    }
    sessions.incrementAndGet();
    try {
      return new SessionBatch(this, network, maxStreams);
    } catch (RuntimeException | Error failure) {
      sessions.decrementAndGet();
      throw failure;
    }
  }

  /** Refuses ids outside the vocabulary. */
  void checkIds(int[] tokens) {
    int vocabulary = info.vocabulary();
    for (int i = 0; i < tokens.length; i++) {
      if (tokens[i] < 0 || tokens[i] >= vocabulary) {
        throw new IllegalArgumentException(
            "token %d of %d has id %d; the vocabulary is 0 to %d"
                .formatted(i, tokens.length, tokens[i], vocabulary - 1));
      }
    }
  }

  OptionalInt sinkToken() {
    return sinkToken;
  }

  /**
   * Tells this model from others: the same for the same weights, config and arrangement of them.
   * Saved sessions are bound to it.
   */
  public String fingerprint() {
    return fingerprint;
  }

  void sessionClosed() {
    sessions.decrementAndGet();
  }

  /**
   * Frees the weights and ends the device's threads.
   *
   * @throws IllegalStateException if a session or batch is still open; nothing is freed then
   */
  @Override
  public void close() {
    if (!arena.scope().isAlive()) {
      return;
    }
    int open = sessions.get();
    if (open > 0) {
      throw new IllegalStateException(
          "the model still has %d open session(s) or batch(es); close them first".formatted(open));
    }
    arena.close();
    device.close();
    if (tokenizer != null) {
      tokenizer.close();
    }
  }
}
