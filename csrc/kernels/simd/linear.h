/*
 * The linear layer for any instruction set: include after its vector.h and after
 * linear_tile_rows(type), the rows of x whose sums with TILE_CHANNELS channels fill the registers.
 *
 * Vectors run along the columns, so that weights are read and widened as they lie. A tile keeps one
 * vector of sums for each of its channels and rows over a block of columns. With more rows than a
 * tile has, a panel of channels stays in the second-level cache for all of them. Either way a sum
 * has the same terms in the same order: a result does not depend on how many rows are computed
 * together, nor on which channels.
 */
#ifndef SINKSTREAM_KERNELS_SIMD_LINEAR_H
#define SINKSTREAM_KERNELS_SIMD_LINEAR_H

#include <stdbool.h>

#include "core/element.h"
#include "core/kernels.h"
#include "kernels/simd/dequantize.h"

enum {
  TILE_CHANNELS = 4,
  MAX_TILE_ROWS = 6,
  LONE_CHANNELS = 8, /* for one row: enough sums in flight to hide an addition's latency */
  PANEL_CHANNELS = 32,
  BLOCK_COLUMNS = 1024 /* of a tile's rows of x, these stay in the first-level cache */
};

/* Some channels with the same block of columns each. */
typedef struct weight_block {
  int32_t type;
  const char *data;
  int64_t stride; /* bytes from a channel to the next */
  int64_t channels, columns;
} weight_block;

/* The rows of x, of one block of columns, that a tile takes. */
typedef struct value_block {
  const float *data;
  int64_t stride; /* floats from a row to the next */
  int64_t rows;
} value_block;

/* sums[r][c] of `rows` rows of x with `channels` channels from `first` on; past the last row or
 * channel, that one again. */
SKS_INLINE void linear_tile(weight_block w, int64_t first, value_block x, const int channels,
                            const int rows, float sums[][LONE_CHANNELS]) {
  const char *channel[LONE_CHANNELS];
  const float *row[MAX_TILE_ROWS];
  vec acc[MAX_TILE_ROWS][LONE_CHANNELS];
#pragma GCC unroll 8
  for (int c = 0; c < channels; c++)
    channel[c] = w.data + (first + c < w.channels ? first + c : w.channels - 1) * w.stride;
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++) {
    row[r] = x.data + (r < x.rows ? r : x.rows - 1) * x.stride;
#pragma GCC unroll 8
    for (int c = 0; c < channels; c++) acc[r][c] = vec_zero();
  }

  int64_t whole = w.columns / LANES * LANES, rest = w.columns - whole;
  for (int64_t i = 0; i < whole; i += LANES) {
    vec weight[LONE_CHANNELS];
#pragma GCC unroll 8
    for (int c = 0; c < channels; c++)
      weight[c] = vec_widen(channel[c] + i * sks_element_bytes(w.type), w.type);
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
      vec value = vec_load(row[r] + i);
#pragma GCC unroll 8
      for (int c = 0; c < channels; c++) acc[r][c] = vec_fma(value, weight[c], acc[r][c]);
    }
  }
  if (rest > 0) {
#pragma GCC unroll 8
    for (int c = 0; c < channels; c++) {
      vec weight = vec_widen_part(channel[c] + whole * sks_element_bytes(w.type), w.type, rest);
#pragma GCC unroll 8
      for (int r = 0; r < rows; r++)
        acc[r][c] = vec_fma(vec_load_part(row[r] + whole, rest, 0), weight, acc[r][c]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
    for (int c = 0; c < channels; c += 4) vec_sum_four(&acc[r][c], &sums[r][c]);
}

/* y = the sums of `channels` channels from `first` on with all of x, at most `rows` rows, or y +=
 * them. */
SKS_INLINE void linear_put_tile(weight_block w, int64_t first, value_block x, const int channels,
                                const int rows, bool add, float *y, int64_t y_stride) {
  float sums[MAX_TILE_ROWS][LONE_CHANNELS];
  linear_tile(w, first, x, channels, rows, sums);
  for (int r = 0; r < rows && r < x.rows; r++) {
    for (int c = 0; c < channels && first + c < w.channels; c++) {
      float *at = &y[r * y_stride + first + c];
      *at = add ? *at + sums[r][c] : sums[r][c];
    }
  }
}

/* All channels of the block with all of x, at most `rows` rows, or the half of that where they are
 * few. */
SKS_INLINE void linear_put_rows(weight_block w, value_block x, const int rows, bool add, float *y,
                                int64_t y_stride) {
  const int few = (rows + 1) / 2;
  for (int64_t c = 0; c < w.channels; c += TILE_CHANNELS) {
    if (x.rows <= few) {
      linear_put_tile(w, c, x, TILE_CHANNELS, few, add, y, y_stride);
    } else {
      linear_put_tile(w, c, x, TILE_CHANNELS, rows, add, y, y_stride);
    }
  }
}

/* A block of channels and columns meets all rows; `add` after the first block of columns. */
SKS_INLINE void linear_block(weight_block block, const float *x, int64_t x_stride, int64_t rows,
                             bool add, float *y, int64_t y_stride) {
  const int tile_rows = linear_tile_rows(block.type);
  for (int64_t r = 0; r < rows; r += tile_rows) {
    value_block values = {x + r * x_stride, x_stride, rows - r < tile_rows ? rows - r : tile_rows};
    if (rows == 1) {
      for (int64_t c = 0; c < block.channels; c += LONE_CHANNELS)
        linear_put_tile(block, c, values, LONE_CHANNELS, 1, add, y, y_stride);
    } else {
      linear_put_rows(block, values, tile_rows, add, y + r * y_stride, y_stride);
    }
  }
}

SKS_INLINE void linear_floats(const int32_t type, const void *w, int64_t n, int64_t columns,
                              const float *x, int64_t rows, float *y, int64_t y_stride) {
  const int64_t step = rows == 1                        ? LONE_CHANNELS
                       : rows <= linear_tile_rows(type) ? TILE_CHANNELS
                                                        : PANEL_CHANNELS;
  for (int64_t j = 0; j < n; j += step) {
    for (int64_t i = 0; i < columns; i += BLOCK_COLUMNS) {
      weight_block block = {.type = type,
                            .data = (const char *)w + (j * columns + i) * sks_element_bytes(type),
                            .stride = columns * sks_element_bytes(type),
                            .channels = n - j < step ? n - j : step,
                            .columns = columns - i < BLOCK_COLUMNS ? columns - i : BLOCK_COLUMNS};
      linear_block(block, x + i, columns, rows, i > 0, y + j, y_stride);
    }
  }
}

/* Widens a block of channels and columns at a time, and goes on as with float32. */
SKS_INLINE void linear_quantized(const int32_t type, const void *w, int64_t n, int64_t columns,
                                 const float *x, int64_t rows, float *y, int64_t y_stride) {
  const int64_t step = rows == 1 ? LONE_CHANNELS : PANEL_CHANNELS;
  _Alignas(64) float widened[PANEL_CHANNELS * BLOCK_COLUMNS];
  for (int64_t j = 0; j < n; j += step) {
    for (int64_t i = 0; i < columns; i += BLOCK_COLUMNS) {
      weight_block block = {.type = SKS_F32,
                            .data = (const char *)widened,
                            .channels = n - j < step ? n - j : step,
                            .columns = columns - i < BLOCK_COLUMNS ? columns - i : BLOCK_COLUMNS};
      block.stride = block.columns * (int64_t)sizeof(float);
      for (int64_t c = 0; c < block.channels; c++)
        widen_blocks(type, (const char *)w + sks_bytes_of(type, (j + c) * columns + i),
                     block.columns, widened + c * block.columns);
      linear_block(block, x + i, columns, rows, i > 0, y + j, y_stride);
    }
  }
}

static void linear(int32_t type, const void *w, int64_t n, int64_t columns, const float *x,
                   int64_t rows, float *y, int64_t y_stride) {
  switch (type) {
    case SKS_F32:
      linear_floats(SKS_F32, w, n, columns, x, rows, y, y_stride);
      break;
    case SKS_F16:
      linear_floats(SKS_F16, w, n, columns, x, rows, y, y_stride);
      break;
    case SKS_BF16:
      linear_floats(SKS_BF16, w, n, columns, x, rows, y, y_stride);
      break;
    case SKS_Q8_0:
      linear_quantized(SKS_Q8_0, w, n, columns, x, rows, y, y_stride);
      break;
    case SKS_Q4_0:
      linear_quantized(SKS_Q4_0, w, n, columns, x, rows, y, y_stride);
      break;
    case SKS_Q4_K:
      linear_quantized(SKS_Q4_K, w, n, columns, x, rows, y, y_stride);
      break;
    case SKS_Q5_K:
      linear_quantized(SKS_Q5_K, w, n, columns, x, rows, y, y_stride);
      break;
    default:
      linear_quantized(SKS_Q6_K, w, n, columns, x, rows, y, y_stride);
  }
}

static void fill_linear(sks_kernels *table) {
  for (int32_t type = 0; type < SKS_TYPES; type++) table->linear[type] = linear;
}

#endif
