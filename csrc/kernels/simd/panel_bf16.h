/*
 * Linear layers over packed bf16 weights with bf16 input, for any instruction set: include after
 * its vector.h and after vec_dot_pairs. Two sums for each row hide the latency of an addition.
 */
#ifndef SINKSTREAM_KERNELS_SIMD_PANEL_BF16_H
#define SINKSTREAM_KERNELS_SIMD_PANEL_BF16_H

#include "core/kernels.h"

enum { PAIR_TILE_ROWS = 6, PAIR_TILE_VECTORS = 2 };

SKS_INLINE void pair_tile(const char *panel, int64_t columns, int64_t channel, const uint16_t *x,
                          const int rows, float *y, int64_t y_stride) {
  enum { VECTORS = PAIR_TILE_VECTORS };
  const int64_t stride = sks_bf16_values(columns);
  vec even[PAIR_TILE_ROWS][VECTORS], odd[PAIR_TILE_ROWS][VECTORS];
#pragma GCC unroll SKS_UNROLL
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; v++) even[r][v] = odd[r][v] = vec_zero();
  const char *units = panel + 4 * channel;
  int64_t i = 0;
  for (; i + 4 <= stride; i += 4) {
#pragma GCC unroll SKS_UNROLL
    for (int r = 0; r < rows; r++) {
      const uint16_t *values = x + r * stride + i;
#pragma GCC unroll 2
      for (int v = 0; v < VECTORS; v++) {
        const char *unit = units + i / 2 * SKS_PANEL_UNIT + 4 * v * LANES;
        even[r][v] = vec_dot_pairs(even[r][v], unit, values);
        odd[r][v] = vec_dot_pairs(odd[r][v], unit + SKS_PANEL_UNIT, values + 2);
      }
    }
  }
#pragma GCC unroll SKS_UNROLL
  for (int r = 0; r < rows; r++) {
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; v++) {
      if (i < stride)
        even[r][v] = vec_dot_pairs(even[r][v], units + i / 2 * SKS_PANEL_UNIT + 4 * v * LANES,
                                   x + r * stride + i);
      vec_store(y + r * y_stride + channel + v * LANES, vec_add(even[r][v], odd[r][v]));
    }
  }
}

static void panel_bf16(int32_t type, const void *panel, int64_t columns, const void *x,
                       int64_t rows, float *y, int64_t y_stride) {
  (void)type;
  const int64_t stride = sks_bf16_values(columns);
  for (int64_t c = 0; c < SKS_PANEL_CHANNELS; c += PAIR_TILE_VECTORS * LANES) {
    const uint16_t *row = x;
    int64_t r = 0;
    for (; r + PAIR_TILE_ROWS <= rows; r += PAIR_TILE_ROWS)
      pair_tile(panel, columns, c, row + r * stride, PAIR_TILE_ROWS, y + r * y_stride, y_stride);
    for (; r < rows; r++)
      pair_tile(panel, columns, c, row + r * stride, 1, y + r * y_stride, y_stride);
  }
}

#endif
