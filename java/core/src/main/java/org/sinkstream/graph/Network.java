package org.sinkstream.graph;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.sinkstream.checkpoint.Checkpoint;
import org.sinkstream.error.DeviceMemoryException;
import org.sinkstream.kernels.Attention;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.ElementType;
import org.sinkstream.kernels.KvCache;
import org.sinkstream.kernels.RotaryLayout;
import org.sinkstream.kernels.Weights;

/**
 * A model on a device: config, weights and the shape of its attention. Immutable and thread-safe.
 */
public final class Network {
  private final Device device;
  private final ModelConfig config;
  private final Decoder decoder;
  private final Attention attention;
  private final long matrixBytes;

  /**
   * Loads a checkpoint.
   *
   * @param arena owns everything; must not outlive the device or the checkpoint's mapping
   * @param packed whether linear layers are copied into the order in which the kernels read them,
   *     which round or quantise their input then
   * @param progress gets how many more bytes of weights are on the device
   * @throws org.sinkstream.error.CheckpointException for a tensor that is absent or of another
   *     shape than the config implies
   */
  public Network(
      Device device,
      Arena arena,
      Checkpoint checkpoint,
      ModelConfig config,
      boolean packed,
      LongConsumer progress) {
    AtomicLong loaded = new AtomicLong();
    WeightLoader loader =
        new WeightLoader(
            device,
            arena,
            checkpoint,
            packed,
            !device.sharesHostMemory(),
            stack -> {
              Weights weights = stack.load(device, arena);
              loaded.addAndGet(weights.bytes());
              progress.accept(stack.bytes());
              return weights;
            });
    this.device = device;
    this.config = config;
    this.decoder = decoder(loader, config);
    this.matrixBytes = loaded.get();
    checkSinkLogits(checkpoint);
    RotaryLayout rotaryLayout =
        checkpoint.arrangement().interleavedRotation()
            ? RotaryLayout.INTERLEAVED
            : RotaryLayout.HALF_SPLIT;
    Attention.Shape shape = config.attentionShape(rotaryLayout);
    this.attention =
        new Attention(
            device,
            arena,
            loader
                .frequencyDivisors(shape.inverseFrequencies().length)
                .map(shape::withFrequenciesDividedBy)
                .orElse(shape));
  }

  private static Decoder decoder(WeightLoader loader, ModelConfig config) {
    return switch (config) {
      case LlamaConfig c -> LlamaDecoder.load(loader, c);
      case MptConfig c -> MptDecoder.load(loader, c);
      case FalconConfig c -> FalconDecoder.load(loader, c);
      case PythiaConfig c -> PythiaDecoder.load(loader, c);
    };
  }

  /**
   * The matrices that a network has on a device that copies them, in the order of loading. None is
   * copied: on the host they stay where the checkpoint is mapped.
   *
   * @param host a CPU
   * @param packed as for loading
   */
  public static List<StackedWeights> stacks(
      Device host, Checkpoint checkpoint, ModelConfig config, boolean packed) {
    List<StackedWeights> stacks = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      WeightLoader loader =
          new WeightLoader(
              host,
              arena,
              checkpoint,
              packed,
              true,
              stack -> {
                stacks.add(stack);
                return stack.unpacked().load(host, arena);
              });
      decoder(loader, config);
    }
    return stacks;
  }

  private void checkSinkLogits(Checkpoint checkpoint) {
    if (decoder.layersWithSinkLogits() % config.layers() != 0) {
      throw checkpoint.refuse(
          "%d of %d layers have sink logits; expected all or none"
              .formatted(decoder.layersWithSinkLogits(), config.layers()));
    }
  }

  /** Whether the softmax of attention has sink logits in its denominator. */
  public boolean hasSinkLogits() {
    return decoder.layersWithSinkLogits() > 0;
  }

  /** What the checkpoint's config says. */
  public ModelConfig config() {
    return config;
  }

  /** Bytes of matrices that a step of one token reads: not those of which it looks up a row. */
  public long stepBytes() {
    boolean lookedUp = decoder.embedding() != decoder.head();
    return matrixBytes - (lookedUp ? decoder.embedding().bytes() : 0);
  }

  /** Bytes that a cache would take; {@link Long#MAX_VALUE} where that overflows. */
  public long cacheBytes(KvCache.Spec spec) {
    return KvCache.requiredBytes(attention, spec);
  }

  /** Bytes that a token's keys and values of a type take in a cache, in all layers. */
  public long tokenBytes(ElementType type) {
    int tokens = 1024; // whole blocks of a cache
    return cacheBytes(new KvCache.Spec(0, tokens - 1, 1, type)) / tokens;
  }

  /** An empty cache for one stream; freed when the arena closes. */
  public KvCache newCache(Arena arena, KvCache.Spec spec) {
    return new KvCache(arena, attention, spec);
  }

  /** Activations for up to {@code maxRows} tokens at a time; freed when the arena closes. */
  public Runner newRunner(Arena arena, int maxRows) {
    return new Runner(device, arena, decoder, newPass(arena, maxRows));
  }

  /**
   * Activations for a token of each of up to {@code maxStreams} streams; freed when the arena
   * closes.
   */
  public BatchRunner newBatchRunner(Arena arena, int maxStreams) {
    return new BatchRunner(device, arena, decoder, newPass(arena, maxStreams));
  }

  private Pass newPass(Arena arena, int maxRows) {
    try {
      return new Pass(device, arena, attention, decoder, maxRows);
    } catch (DeviceMemoryException lacking) {
      throw new DeviceMemoryException(
          "%s; it is for %d tokens at a time: a smaller chunk, or a batch of fewer streams, takes less"
              .formatted(lacking.getMessage(), maxRows),
          lacking);
    }
  }
}
