package org.sinkstream.checkpoint;

/**
 * How a container orders the rows of attention's weights; the model computes the same.
 *
 * @param interleavedRotation whether rotated channels lie in pairs (2i, 2i + 1), as in GGUF files
 *     of the Llama architecture, rather than half a rotation apart (i, i + rotary_dim / 2)
 * @param stackedQkv whether a fused QKV weight has all query heads, then all key heads, then all
 *     value heads, whatever the family's own order
 */
public record Arrangement(boolean interleavedRotation, boolean stackedQkv) {
  /** As Hugging Face transformers keep them: each family in its own order. */
  public static final Arrangement HUGGING_FACE = new Arrangement(false, false);
}
