package org.sinkstream.bench;

/** Query heads, KV heads and channels of a head. */
public enum Heads {
  /** Llama-2-7B: every query head has its KV head. */
  MHA_32_128(32, 32, 128),
  /** Llama-3-8B: groups of four. */
  GQA_32_8_128(32, 8, 128),
  /** Groups of eight. */
  GQA_32_4_128(32, 4, 128),
  /** TinyLlama-1.1B: groups of eight, narrow heads. */
  GQA_32_4_64(32, 4, 64),
  /** One KV head for all. */
  MQA_32_128(32, 1, 128);

  final int heads;
  final int kvHeads;
  final int headDim;

  Heads(int heads, int kvHeads, int headDim) {
    this.heads = heads;
    this.kvHeads = kvHeads;
    this.headDim = headDim;
  }
}
