package org.sinkstream.graph;

import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.sinkstream.kernels.Operations.Gelu;
import org.sinkstream.kernels.QkvLayout;
import org.sinkstream.kernels.Weights;

/** MPT (HF {@code modeling_mpt.py}): pre-norm, ALiBi, optional clipping of Q, K and V. */
final class MptDecoder implements Decoder {
  private record Layer(
      Norm attentionNorm, Weights qkv, Weights output, Norm mlpNorm, Weights up, Weights down) {
    static Layer load(WeightLoader in, MptConfig c, String prefix) {
      boolean biased = c.biased();
      return new Layer(
          in.layerNorm(prefix + "norm_1", c.hidden(), c.normEpsilon(), biased),
          in.linear(prefix + "attn.Wqkv", c.qkvColumns(), c.hidden(), biased),
          in.linear(prefix + "attn.out_proj", c.hidden(), c.heads() * c.headDim(), biased),
          in.layerNorm(prefix + "norm_2", c.hidden(), c.normEpsilon(), biased),
          in.linear(prefix + "ffn.up_proj", c.intermediate(), c.hidden(), biased),
          in.linear(prefix + "ffn.down_proj", c.hidden(), c.intermediate(), biased));
    }
  }

  private final MptConfig config;
  private final OptionalDouble clipQkv;
  private final Weights embedding;
  private final List<Layer> layers;
  private final Norm finalNorm;
  private final Weights head;
