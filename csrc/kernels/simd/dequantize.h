/*
 * Widens ggml's block formats in plain loops, which the compiler turns into vectors of the
 * instruction set it compiles for: include after its vector.h. Rounds as the reference does.
 */
#ifndef SINKSTREAM_KERNELS_SIMD_DEQUANTIZE_H
#define SINKSTREAM_KERNELS_SIMD_DEQUANTIZE_H

#include "core/blocks.h"
#include "core/kernels.h"
#include "kernels/simd/inline.h"

SKS_INLINE void widen_block(const int32_t type, const uint8_t *restrict block, float *restrict y) {
  const int sub = sks_sub_block(type), values = sks_block_of(type).values;
  sks_raw_block raw;
  sks_split_block(type, block, &raw);
  float d = widen_half(raw.d), dmin = widen_half(raw.dmin);
  for (int j = 0; j < values / sub; j++) {
    float scale = d * (float)raw.scales[j], minimum = dmin * (float)raw.minima[j];
    for (int i = 0; i < sub; i++)
      y[j * sub + i] = scale * (float)(raw.q[j * sub + i] - sks_zero_point(type)) - minimum;
  }
}

SKS_INLINE void widen_blocks(const int32_t type, const void *source, int64_t count, float *target) {
  sks_block size = sks_block_of(type);
  for (int64_t i = 0; i < count / size.values; i++)
    widen_block(type, (const uint8_t *)source + i * size.bytes, target + i * size.values);
}

#endif
