/* ggml's block formats (ggml-common.h, dequantize_row_* in ggml-quants.c), taken apart into whole
 * numbers and put together again. The one place that knows where their bits lie. */
#ifndef SINKSTREAM_CORE_BLOCKS_H
#define SINKSTREAM_CORE_BLOCKS_H

#include <stdint.h>
#include <string.h>

#include "core/element.h"
#include "core/host_device.h"

enum { SKS_MOST_BLOCK_VALUES = 256 };

/*
 * A block of any quantised type: value i is d * scales[i / sub] * (q[i] - zero) - dmin * minima[i /
 * sub], with sub = sks_sub_block(type) and zero = sks_zero_point(type).
 */
typedef struct sks_raw_block {
  uint8_t q[SKS_MOST_BLOCK_VALUES];
  uint16_t d, dmin;   /* f16 */
  int8_t scales[16];  /* 1 where the type has one scale */
  uint8_t minima[16]; /* 0 where the type has none */
} sks_raw_block;

/* Values that share a scale. */
static inline SKS_HOST_DEVICE int32_t sks_sub_block(int32_t type) {
  return type == SKS_Q6_K ? 16 : 32;
}

/* The q that stands for zero. */
static inline SKS_HOST_DEVICE int32_t sks_zero_point(int32_t type) {
  switch (type) {
    case SKS_Q8_0:
      return 128;
    case SKS_Q4_0:
      return 8;
    case SKS_Q6_K:
      return 32;
    default:
      return 0; /* Q4_K and Q5_K have minima */
  }
}

static inline SKS_HOST_DEVICE uint16_t sks_raw_half(const uint8_t *at) {
  uint16_t half;
  memcpy(&half, at, sizeof half);
  return half;
}

static inline __attribute__((always_inline)) SKS_HOST_DEVICE void sks_split_q8_0(
    const uint8_t *__restrict__ block, sks_raw_block *__restrict__ raw) {
  raw->d = sks_raw_half(block);
  for (int i = 0; i < 32; i++) raw->q[i] = block[2 + i] ^ 0x80;
}

static inline __attribute__((always_inline)) SKS_HOST_DEVICE void sks_split_q4_0(
    const uint8_t *__restrict__ block, sks_raw_block *__restrict__ raw) {
  raw->d = sks_raw_half(block);
  for (int i = 0; i < 16; i++) raw->q[i] = block[2 + i] & 15;
  for (int i = 0; i < 16; i++) raw->q[i + 16] = block[2 + i] >> 4;
}

/* The 6-bit scales and minima of Q4_K and Q5_K: 12 bytes for 8 of each. */
static inline __attribute__((always_inline)) SKS_HOST_DEVICE void sks_split_scales(
    const uint8_t *__restrict__ packed, sks_raw_block *__restrict__ raw) {
  for (int j = 0; j < 4; j++) {
    raw->scales[j] = packed[j] & 63;
    raw->minima[j] = packed[j + 4] & 63;
    raw->scales[j + 4] = (int8_t)((packed[j + 8] & 15) | (packed[j] >> 6) << 4);
    raw->minima[j + 4] = (uint8_t)(packed[j + 8] >> 4 | (packed[j + 4] >> 6) << 4);
  }
}

/* Q4_K, and Q5_K where there are `high` bits. */
static inline __attribute__((always_inline)) SKS_HOST_DEVICE void sks_split_q4_or_q5(
    const uint8_t *__restrict__ block, const uint8_t *__restrict__ high,
    const uint8_t *__restrict__ low, sks_raw_block *__restrict__ raw) {
  raw->d = sks_raw_half(block);
  raw->dmin = sks_raw_half(block + 2);
  sks_split_scales(block + 4, raw);
  for (int pair = 0; pair < 4; pair++) {
    for (int i = 0; i < 32; i++) raw->q[64 * pair + i] = low[32 * pair + i] & 15;
    for (int i = 0; i < 32; i++) raw->q[64 * pair + 32 + i] = low[32 * pair + i] >> 4;
  }
  for (int j = 0; high && j < 8; j++)
    for (int i = 0; i < 32; i++) raw->q[32 * j + i] |= (uint8_t)((high[i] >> j & 1) << 4);
}

static inline __attribute__((always_inline)) SKS_HOST_DEVICE void sks_split_q6_k(
    const uint8_t *__restrict__ block, sks_raw_block *__restrict__ raw) {
  raw->d = sks_raw_half(block + 208);
  memcpy(raw->scales, block + 192, 16);
  for (int half = 0; half < 2; half++) {
    const uint8_t *low = block + 64 * half, *high = block + 128 + 32 * half;
    uint8_t *q = raw->q + 128 * half;
    for (int i = 0; i < 32; i++) {
      q[i] = (uint8_t)((low[i] & 15) | (high[i] & 3) << 4);
      q[i + 32] = (uint8_t)((low[i + 32] & 15) | (high[i] >> 2 & 3) << 4);
      q[i + 64] = (uint8_t)(low[i] >> 4 | (high[i] >> 4 & 3) << 4);
      q[i + 96] = (uint8_t)(low[i + 32] >> 4 | (high[i] >> 6 & 3) << 4);
    }
  }
}

static inline __attribute__((always_inline)) SKS_HOST_DEVICE void sks_split_block(
    int32_t type, const uint8_t *__restrict__ block, sks_raw_block *__restrict__ raw) {
  if (type == SKS_Q8_0 || type == SKS_Q4_0) {
    raw->dmin = 0;
    raw->scales[0] = 1;
    raw->minima[0] = 0;
  }
  switch (type) {
    case SKS_Q8_0:
      sks_split_q8_0(block, raw);
      break;
    case SKS_Q4_0:
      sks_split_q4_0(block, raw);
      break;
    case SKS_Q4_K:
      sks_split_q4_or_q5(block, NULL, block + 16, raw);
      break;
    case SKS_Q5_K:
      sks_split_q4_or_q5(block, block + 16, block + 48, raw);
      break;
    default:
      raw->dmin = 0;
      memset(raw->minima, 0, sizeof raw->minima);
      sks_split_q6_k(block, raw);
  }
}

/* The other way round, for whoever writes blocks. */

static inline void sks_join_scales(const sks_raw_block *raw, uint8_t *packed) {
  for (int j = 0; j < 4; j++) {
    int scale = raw->scales[j + 4], minimum = raw->minima[j + 4];
    packed[j] = (uint8_t)(raw->scales[j] | scale >> 4 << 6);
    packed[j + 4] = (uint8_t)(raw->minima[j] | minimum >> 4 << 6);
    packed[j + 8] = (uint8_t)((scale & 15) | (minimum & 15) << 4);
  }
}

static inline void sks_join_q4_or_q5(const sks_raw_block *raw, uint8_t *block, uint8_t *high,
                                     uint8_t *low) {
  memcpy(block, &raw->d, 2);
  memcpy(block + 2, &raw->dmin, 2);
  sks_join_scales(raw, block + 4);
  for (int i = 0; i < 128; i++) {
    const uint8_t *q = raw->q + i / 32 * 64 + i % 32;
    low[i] = (uint8_t)((q[0] & 15) | (q[32] & 15) << 4);
  }
  for (int i = 0; high && i < 32; i++) {
    high[i] = 0;
    for (int j = 0; j < 8; j++) high[i] |= (uint8_t)(raw->q[32 * j + i] >> 4 << j);
  }
}

static inline void sks_join_q6_k(const sks_raw_block *raw, uint8_t *block) {
  memcpy(block + 192, raw->scales, 16);
  memcpy(block + 208, &raw->d, 2);
  for (int i = 0; i < 64; i++) {
    const uint8_t *q = raw->q + i / 32 * 128 + i % 32;
    uint8_t *low = block + i / 32 * 64 + i % 32;
    low[0] = (uint8_t)((q[0] & 15) | (q[64] & 15) << 4);
    low[32] = (uint8_t)((q[32] & 15) | (q[96] & 15) << 4);
    block[128 + i] = (uint8_t)(q[0] >> 4 | q[32] >> 4 << 2 | q[64] >> 4 << 4 | q[96] >> 4 << 6);
  }
}

static inline void sks_join_block(int32_t type, const sks_raw_block *raw, uint8_t *block) {
  switch (type) {
    case SKS_Q8_0:
      memcpy(block, &raw->d, 2);
      for (int i = 0; i < 32; i++) block[2 + i] = raw->q[i] ^ 0x80;
      break;
    case SKS_Q4_0:
      memcpy(block, &raw->d, 2);
      for (int i = 0; i < 16; i++) block[2 + i] = (uint8_t)(raw->q[i] | raw->q[i + 16] << 4);
      break;
    case SKS_Q4_K:
      sks_join_q4_or_q5(raw, block, NULL, block + 16);
      break;
    case SKS_Q5_K:
      sks_join_q4_or_q5(raw, block, block + 16, block + 48);
      break;
    default:
      sks_join_q6_k(raw, block);
  }
}

#endif
