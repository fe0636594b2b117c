package org.sinkstream.kernels;

/**
 * Where the heads lie in one row of a fused QKV linear layer's output, in floats. Channel {@code c}
 * of query head {@code j} of KV group {@code g} is at {@code query + g * queryGroupStride + j *
 * headDim + c}; of KV head {@code g} at {@code key + g * keyStride + c} and {@code value + g *
 * keyStride + c}.
 *
 * @param columns floats of a row
 * @param query offset of the first query head
 * @param queryGroupStride from one KV group's query heads to the next group's
 * @param key offset of the first key head
 * @param value offset of the first value head
 * @param keyStride from one KV head to the next
 */
public record QkvLayout(
    int columns, int query, int queryGroupStride, int key, int value, int keyStride) {
  /** All query heads, then all key heads, then all value heads (HF Llama, MPT). */
  public static QkvLayout stacked(int heads, int kvHeads, int headDim) {
    int group = heads / kvHeads;
    return new QkvLayout(
        (heads + 2 * kvHeads) * headDim,
        0,
        group * headDim,
        heads * headDim,
        (heads + kvHeads) * headDim,
        headDim);
  }

  /** For each KV group its query heads, its key head, its value head (HF Falcon, GPT-NeoX). */
  public static QkvLayout grouped(int heads, int kvHeads, int headDim) {
    int group = heads / kvHeads;
    int stride = (group + 2) * headDim;
    return new QkvLayout(
        kvHeads * stride, 0, stride, group * headDim, (group + 1) * headDim, stride);
  }
}
