package org.sinkstream.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.sinkstream.kernels.Attention;
import org.sinkstream.kernels.Batch;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.ElementType;
import org.sinkstream.kernels.KvCache;
import org.sinkstream.kernels.QkvLayout;
import org.sinkstream.kernels.RotaryLayout;
import org.sinkstream.kernels.Tensor;

/**
 * A stream at steady state: {@value #SINKS} sink tokens and a full window, whose ring has wrapped.
 */
final class FullStream {
  /** Sink tokens. */
  static final int SINKS = 4;

  private static final double ROPE_BASE = 10000;
  private static final int CHUNK = 256; // rows that the cache is filled by
  private static final int WRAPPED = 40; // tokens past the end of the ring
  private static final long WORKING_SET = 128 << 20; // more than processor caches hold

  private final QkvLayout layout;
  private final int layers;
  private final KvCache cache;
  private final Batch batch;
  private final List<Tensor> tokens;
  private final Tensor out;
  private int layer;
  private int token;

  FullStream(
      Device device, Arena arena, Heads heads, int cacheTokens, ElementType type, int layers) {
    this.layers = layers;
    Attention attention =
        new Attention(
            device,
            arena,
            new Attention.Shape(
                layers,
                heads.heads,
                heads.kvHeads,
                heads.headDim,
                (float) (1 / Math.sqrt(heads.headDim)),
                IntStream.range(0, heads.headDim / 2)
                    .mapToDouble(i -> Math.pow(ROPE_BASE, -2.0 * i / heads.headDim))
                    .toArray(),
                RotaryLayout.HALF_SPLIT,
                new float[0]));
    layout = QkvLayout.stacked(heads.heads, heads.kvHeads, heads.headDim);
    cache =
        new KvCache(arena, attention, new KvCache.Spec(SINKS, cacheTokens - SINKS, CHUNK, type));
    batch = new Batch(arena, attention, CHUNK);
    Tensor chunk = Tensor.allocate(device, arena, CHUNK, layout.columns());
    fillRandom(chunk.data());
    tokens = IntStream.range(0, CHUNK).mapToObj(i -> chunk.rows(i, 1)).toList();
    out = Tensor.allocate(device, arena, 1, heads.heads * heads.headDim);
    for (int filled = 0; filled < cacheTokens + CHUNK + WRAPPED; filled += CHUNK) {
      append(chunk, CHUNK);
    }
  }

  /** Layers whose keys and values together no processor cache holds, as a model's are. */
  static int manyLayers(Heads heads, int cacheTokens, ElementType type) {
    long layerBytes = 2L * heads.kvHeads * cacheTokens * type.bytes(heads.headDim);
    return Math.toIntExact(WORKING_SET / layerBytes + 1);
  }

  /** Queries, keys or values: floats in [-1, 1), always the same. */
  static void fillRandom(MemorySegment floats) {
    SplittableRandom random = new SplittableRandom(1);
    for (long i = 0; i < floats.byteSize() / Float.BYTES; i++) {
      floats.setAtIndex(JAVA_FLOAT, i, (float) random.nextDouble(-1, 1));
    }
  }

  private void append(Tensor qkv, int rows) {
    batch.begin(cache, rows);
    for (int i = 0; i < layers; i++) {
      batch.append(i, qkv, layout);
    }
    batch.commit();
  }

  private Tensor nextToken() {
    token = (token + 1) % tokens.size();
    return tokens.get(token);
  }

  /** Appends one token to all layers and commits it. */
  void append() {
    append(nextToken(), 1);
  }

  /**
   * Takes a token through the next layer: appends it and attends from it. The first layer begins
   * the step, the last one commits it.
   */
  Tensor nextLayer() {
    if (layer == 0) {
      batch.begin(cache, 1);
      nextToken();
    }
    batch.append(layer, tokens.get(token), layout);
    batch.attend(layer, tokens.get(token), layout, null, out);
    layer = (layer + 1) % layers;
    if (layer == 0) {
      batch.commit();
    }
    return out;
  }

  /** Evicts {@code count} tokens from the middle of the window. */
  void evict(int count) {
    long begin = cache.position() - cache.spec().window() / 2;
    cache.evict(begin, begin + count);
  }
}
