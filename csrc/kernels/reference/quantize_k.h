/*
 * What the quantisers of ggml's two-level block formats share: 256 values whose sub-blocks have
 * scales (and minima) of a few bits under f16 scales. A sub-block's scale is searched: for each of
 * some candidates, values are rounded with it, the best scale for the rounded values follows by
 * weighted least squares, and the one with the least weighted error stays.
 */
#ifndef SINKSTREAM_KERNELS_REFERENCE_QUANTIZE_K_H
#define SINKSTREAM_KERNELS_REFERENCE_QUANTIZE_K_H

#include "kernels/reference/convert.h"
#include "kernels/reference/reference.h"

enum { SKS_BLOCK = 256, SKS_CANDIDATES = 12 };

/* Weighted sums over the values of a sub-block, for each candidate. */
typedef struct sks_sums {
  double q[SKS_CANDIDATES], qq[SKS_CANDIDATES], qx[SKS_CANDIDATES];
} sks_sums;

/* Inverse scales around that with which `span` takes `steps` steps: from 1.4 steps fewer to 0.8
 * more. Large values gain where they are a little less exact than small ones. */
static inline void sks_candidates(double steps, double span, double *inverse) {
  for (int c = 0; c < SKS_CANDIDATES; c++) inverse[c] = (steps + 0.2 * (c - 7)) / span;
}

/* Rounds (x[i] - low) by each candidate into least..most and sums. The candidates are the inner
 * loop, so that they and not the order of summation are what a compiler vectorises. */
static inline sks_sums sks_sum_candidates(const float *x, const double *w, int count, double low,
                                          const double *inverse, double least, double most) {
  sks_sums s = {{0}, {0}, {0}};
  for (int i = 0; i < count; i++) {
    double value = x[i] - low, weight = w[i], weighted = weight * x[i];
    for (int c = 0; c < SKS_CANDIDATES; c++) {
      double q = floor(value * inverse[c] + 0.5);
      q = q < least ? least : q;
      q = q > most ? most : q;
      s.q[c] += weight * q;
      s.qq[c] += weight * q * q;
      s.qx[c] += weighted * q;
    }
  }
  return s;
}

static inline int sks_clamp(int code, int least, int most) {
  return code < least ? least : code > most ? most : code;
}

/* The whole number within least..most that is nearest. */
static inline int sks_nearest(float value, int least, int most) {
  float rounded = floorf(value + 0.5f);
  return rounded < (float)least ? least : rounded > (float)most ? most : (int)rounded;
}

/* Writes an f16; what it holds. */
static inline float sks_put_f16(uint8_t *at, float value) {
  uint16_t half = sks_narrow_f16(value);
  memcpy(at, &half, sizeof half);
  return sks_widen_f16(half);
}

/* Quantises `count` values block by block; a block begins as zeros. */
static inline void sks_quantize_blocks(int32_t type, void (*one)(const float *x, uint8_t *block),
                                       const float *source, int64_t count, void *target) {
  int64_t bytes = sks_block_of(type).bytes;
  uint8_t *block = target;
  memset(block, 0, (size_t)sks_bytes_of(type, count));
  for (int64_t i = 0; i < count; i += SKS_BLOCK, block += bytes) one(source + i, block);
}

#endif
