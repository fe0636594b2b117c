/*
 * Widens ggml's block formats, for any instruction set: include after its vector.h. Sixteen values
 * at a time, from where core/blocks.h says that their bits lie; rounds as the reference does.
 */
#ifndef SINKSTREAM_KERNELS_SIMD_DEQUANTIZE_H
#define SINKSTREAM_KERNELS_SIMD_DEQUANTIZE_H

#include "core/blocks.h"
#include "core/kernels.h"

/* x shifted right by `shift` bits, or left where it is negative, and masked. */
SKS_INLINE bytes bytes_bits(bytes x, const int shift, const int mask) {
  return bytes_and(bytes_shift(x, shift), bytes_set(mask));
}

SKS_INLINE void widen_block_q8_0(const uint8_t *block, float *y) {
  float d = widen_half(sks_raw_half(block));
  for (int i = 0; i < 32; i += 16)
    store_widened(y + i, bytes_xor(bytes_load(block + 2 + i), bytes_set(128)), 128, d, 0);
}

SKS_INLINE void widen_block_q4_0(const uint8_t *block, float *y) {
  float d = widen_half(sks_raw_half(block));
  bytes nibbles = bytes_load(block + 2);
  store_widened(y, bytes_bits(nibbles, 0, 15), 8, d, 0);
  store_widened(y + 16, bytes_bits(nibbles, 4, 15), 8, d, 0);
}

/* Q4_K, and Q5_K where there are `high` bits. */
SKS_INLINE void widen_block_q4_or_q5(const uint8_t *block, const uint8_t *high, const uint8_t *low,
                                     float *y) {
  float d = widen_half(sks_raw_half(block)), dmin = widen_half(sks_raw_half(block + 2));
  sks_raw_block raw;
  sks_split_scales(block + 4, &raw);
#pragma GCC unroll 8
  for (int j = 0; j < 8; j++) {
    float scale = d * (float)raw.scales[j], minimum = dmin * (float)raw.minima[j];
    for (int i = 0; i < 32; i += 16) {
      bytes q = bytes_bits(bytes_load(low + 32 * (j / 2) + i), 4 * (j % 2), 15);
      if (high) q = bytes_or(q, bytes_bits(bytes_load(high + i), j - 4, 16));
      store_widened(y + 32 * j + i, q, 0, scale, minimum);
    }
  }
}

SKS_INLINE void widen_block_q6_k(const uint8_t *block, float *y) {
  float d = widen_half(sks_raw_half(block + 208));
#pragma GCC unroll 16
  for (int j = 0; j < 16; j++) {
    int half = j / 8, quarter = j / 2 % 4, i = 16 * (j % 2);
    bytes low = bytes_load(block + 64 * half + 32 * (quarter % 2) + i);
    bytes high = bytes_load(block + 128 + 32 * half + i);
    bytes q =
        bytes_or(bytes_bits(low, 4 * (quarter / 2), 15), bytes_bits(high, 2 * quarter - 4, 48));
    store_widened(y + 16 * j, q, 32, d * (float)(int8_t)block[192 + j], 0);
  }
}

SKS_INLINE void widen_block(const int32_t type, const uint8_t *block, float *y) {
  switch (type) {
    case SKS_Q8_0:
      widen_block_q8_0(block, y);
      break;
    case SKS_Q4_0:
      widen_block_q4_0(block, y);
      break;
    case SKS_Q4_K:
      widen_block_q4_or_q5(block, NULL, block + 16, y);
      break;
    case SKS_Q5_K:
      widen_block_q4_or_q5(block, block + 16, block + 48, y);
      break;
    default:
      widen_block_q6_k(block, y);
  }
}

SKS_INLINE void widen_blocks(const int32_t type, const void *source, int64_t count, float *target) {
  const sks_block size = sks_block_of(type);
  for (int64_t i = 0; i < count / size.values; i++)
    widen_block(type, (const uint8_t *)source + i * size.bytes, target + i * size.values);
}

#endif
