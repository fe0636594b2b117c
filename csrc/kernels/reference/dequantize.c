/* ggml's block formats, value by value as ggml-quants.c (dequantize_row_*) defines them. */
#include "kernels/reference/reference.h"
#include "kernels/reference/scalar.h"

static float scale_at(const uint8_t *at) {
  uint16_t half;
  memcpy(&half, at, sizeof half);
  return sks_widen_f16(half);
}

static void q8_0(const uint8_t *block, float *y) {
  float d = scale_at(block);
  for (int i = 0; i < 32; i++) y[i] = d * (float)(int8_t)block[2 + i];
}

static void q4_0(const uint8_t *block, float *y) {
  float d = scale_at(block);
  for (int i = 0; i < 16; i++) {
    y[i] = d * (float)((block[2 + i] & 15) - 8);
    y[i + 16] = d * (float)((block[2 + i] >> 4) - 8);
  }
}

/* The 6-bit scale and minimum of sub-block j of Q4_K and Q5_K. */
static void scale_and_minimum(const uint8_t *packed, int j, int *scale, int *minimum) {
  if (j < 4) {
    *scale = packed[j] & 63;
    *minimum = packed[j + 4] & 63;
  } else {
    *scale = (packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4;
    *minimum = packed[j + 4] >> 4 | (packed[j] >> 6) << 4;
  }
}

/* Q4_K, and Q5_K where there are `high` bits. */
static void q4_or_q5(const uint8_t *block, const uint8_t *high, const uint8_t *low, float *y) {
  float d = scale_at(block), dmin = scale_at(block + 2);
  for (int j = 0; j < 8; j++) {
    int scale, minimum;
    scale_and_minimum(block + 4, j, &scale, &minimum);
    for (int i = 0; i < 32; i++) {
      int q = low[j / 2 * 32 + i] >> (j % 2 * 4) & 15;
      if (high) q += (high[i] >> j & 1) << 4;
      y[32 * j + i] = d * (float)scale * (float)q - dmin * (float)minimum;
    }
  }
}

static void q4_k(const uint8_t *block, float *y) { q4_or_q5(block, NULL, block + 16, y); }

static void q5_k(const uint8_t *block, float *y) { q4_or_q5(block, block + 16, block + 48, y); }

static void q6_k(const uint8_t *block, float *y) {
  const uint8_t *low = block, *high = block + 128, *scales = block + 192;
  float d = scale_at(block + 208);
  for (int i = 0; i < 256; i++) {
    int half = i / 128, quarter = i / 32 % 4, l = i % 32;
    int bits = low[64 * half + 32 * (quarter % 2) + l] >> (quarter / 2 * 4) & 15;
    int q = (bits | (high[32 * half + l] >> (2 * quarter) & 3) << 4) - 32;
    y[i] = d * (float)(int8_t)scales[i / 16] * (float)q;
  }
}

void sks_reference_dequantize(int32_t type, const void *source, int64_t count, float *target) {
  static void (*const one[])(const uint8_t *block, float *y) = {[SKS_Q8_0] = q8_0,
                                                                [SKS_Q4_0] = q4_0,
                                                                [SKS_Q4_K] = q4_k,
                                                                [SKS_Q5_K] = q5_k,
                                                                [SKS_Q6_K] = q6_k};
  sks_block size = sks_block_of(type);
  for (int64_t i = 0; i < count / size.values; i++)
    one[type]((const uint8_t *)source + i * size.bytes, target + i * size.values);
}
