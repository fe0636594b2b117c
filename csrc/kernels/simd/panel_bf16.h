/*
 * Linear layers over packed bf16 weights with bf16 input, for any instruction set: include after
 * its vector.h and after vec_dot_pairs. Two sums for each row hide the latency of an addition.
 */
#ifndef SINKSTREAM_KERNELS_SIMD_PANEL_BF16_H
#define SINKSTREAM_KERNELS_SIMD_PANEL_BF16_H

#include "core/kernels.h"

enum { PAIR_TILE_ROWS = 12 };

SKS_INLINE void pair_tile(const char *panel, int64_t columns, int64_t channel, const uint16_t *x,
                          const int rows, float *y, int64_t y_stride) {
  const int64_t stride = sks_bf16_values(columns), pairs = stride / 2;
  const char *unit = panel + 4 * channel;
  vec even[PAIR_TILE_ROWS], odd[PAIR_TILE_ROWS];
#pragma GCC unroll SKS_UNROLL
  for (int r = 0; r < rows; r++) even[r] = odd[r] = vec_zero();
  int64_t i = 0;
  for (; i + 2 <= pairs; i += 2, unit += 2 * SKS_PANEL_UNIT) {
#pragma GCC unroll SKS_UNROLL
    for (int r = 0; r < rows; r++) {
      const uint16_t *values = x + r * stride + 2 * i;
      even[r] = vec_dot_pairs(even[r], unit, values);
      odd[r] = vec_dot_pairs(odd[r], unit + SKS_PANEL_UNIT, values + 2);
    }
  }
  if (i < pairs) {
#pragma GCC unroll SKS_UNROLL
    for (int r = 0; r < rows; r++) even[r] = vec_dot_pairs(even[r], unit, x + r * stride + 2 * i);
  }
#pragma GCC unroll SKS_UNROLL
  for (int r = 0; r < rows; r++) vec_store(y + r * y_stride + channel, vec_add(even[r], odd[r]));
}

static void panel_bf16(int32_t type, const void *panel, int64_t columns, const void *x,
                       int64_t rows, float *y, int64_t y_stride) {
  (void)type;
  const int64_t stride = sks_bf16_values(columns);
  for (int64_t c = 0; c < SKS_PANEL_CHANNELS; c += LANES) {
    const uint16_t *row = x;
    int64_t r = 0;
    for (; r + PAIR_TILE_ROWS <= rows; r += PAIR_TILE_ROWS)
      pair_tile(panel, columns, c, row + r * stride, PAIR_TILE_ROWS, y + r * y_stride, y_stride);
    for (; r + 4 <= rows; r += 4)
      pair_tile(panel, columns, c, row + r * stride, 4, y + r * y_stride, y_stride);
    for (; r < rows; r++)
      pair_tile(panel, columns, c, row + r * stride, 1, y + r * y_stride, y_stride);
  }
}

#endif
