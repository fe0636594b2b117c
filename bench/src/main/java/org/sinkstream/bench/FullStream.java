package org.sinkstream.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
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
 * A stream of one layer at steady state: {@value #SINKS} sink tokens and a full window, whose ring
 * has wrapped.
 */
final class FullStream {
  /** Sink tokens. */
  static final int SINKS = 4;

  private static final double ROPE_BASE = 10000;
  private static final int WRAPPED = 40; // tokens past the end of the ring

  private final QkvLayout layout;
  private final KvCache cache;
  private final Batch batch;
  private final Tensor qkv;
  private final Tensor out;

  FullStream(Device device, Arena arena, Heads heads, int cacheTokens, ElementType type) {
    Attention attention =
        new Attention(
            device,
            arena,
            new Attention.Shape(
                1,
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
    cache = new KvCache(arena, attention, new KvCache.Spec(SINKS, cacheTokens - SINKS, 1, type));
    batch = new Batch(arena, attention, 1);
    qkv = Tensor.allocate(device, arena, 1, layout.columns());
    out = Tensor.allocate(device, arena, 1, heads.heads * heads.headDim);
    SplittableRandom random = new SplittableRandom(1);
    for (int t = 0; t < cacheTokens + WRAPPED; t++) {
      for (int i = 0; i < layout.columns(); i++) {
        qkv.data().setAtIndex(JAVA_FLOAT, i, (float) random.nextDouble(-1, 1));
      }
      append();
    }
  }

  /** Appends one token and commits it. */
  void append() {
    batch.begin(cache, 1);
    batch.append(0, qkv, layout);
    batch.commit();
  }

  /** Appends one token, attends from it and commits it. */
  Tensor token() {
    batch.begin(cache, 1);
    batch.append(0, qkv, layout);
    batch.attend(0, qkv, layout, null, out);
    batch.commit();
    return out;
  }

  /** Evicts {@code count} tokens from the middle of the window. */
  void evict(int count) {
    long begin = cache.position() - cache.spec().window() / 2;
    cache.evict(begin, begin + count);
  }
}
