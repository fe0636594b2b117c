/*
 * Linear layers over packed weights (core/panel.h) with quantised input, for any instruction set:
 * include after its vector.h and integer.h.
 *
 * Vectors run along channels. A tile is PANEL_TILE_VECTORS of them, which share the input's loads,
 * and some rows: a block of weights is taken apart once for all of them; each row then takes eight
 * integer dot products for each of its two digits, and one multiply-add for each scale. A sum has
 * the same terms in the same order whatever the number of rows.
 */
#ifndef SINKSTREAM_KERNELS_SIMD_PANEL_H
#define SINKSTREAM_KERNELS_SIMD_PANEL_H

#include "core/kernels.h"
#include "kernels/simd/elements.h"

/* 32 columns of LANES channels. */
typedef struct weights_block {
  ivec q[8];     /* unit by unit */
  vec scales[2]; /* of the first 16 columns and of the others, where they differ */
  vec minimum;
} weights_block;

/* Byte by byte: x shifted right by `shift` bits, or left where it is negative, and masked. */
SKS_INLINE ivec bits_of(ivec x, const int shift, const int mask) {
  return ivec_and(shift >= 0 ? ivec_shift_right(x, shift) : ivec_shift_left(x, -shift),
                  ivec_bytes(mask));
}

/* The same units of all vectors, in the order of memory. */
SKS_INLINE void load_units(const uint8_t *at, ivec *unit) {
#pragma GCC unroll 2
  for (int v = 0; v < PANEL_TILE_VECTORS; v++) unit[v] = ivec_load(at + 4 * LANES * v);
}

SKS_INLINE void unpack_integers(const int32_t type, const uint8_t *units, weights_block *w) {
  enum { VECTORS = PANEL_TILE_VECTORS };
  ivec unit[VECTORS];
  const int stored = type == SKS_Q8_0 ? 8 : 4;
#pragma GCC unroll 8
  for (int k = 0; k < stored; k++) {
    load_units(units + SKS_PANEL_UNIT * k, unit);
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; v++) {
      w[v].q[k] = type == SKS_Q8_0 ? unit[v] : bits_of(unit[v], 0, 15);
      if (type != SKS_Q8_0) w[v].q[k + 4] = bits_of(unit[v], 4, 15);
    }
  }
  if (type != SKS_Q5_K && type != SKS_Q6_K) return;
#pragma GCC unroll 8
  for (int k = 0; k < 8; k++) {
    if (k == 0 || (type == SKS_Q6_K && k == 4))
      load_units(units + SKS_PANEL_UNIT * (4 + k / 4), unit);
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; v++)
      w[v].q[k] = ivec_or(w[v].q[k], type == SKS_Q5_K ? bits_of(unit[v], k - 4, 16)
                                                      : bits_of(unit[v], 2 * (k % 4) - 4, 48));
  }
}

SKS_INLINE void unpack_scales(const int32_t type, const uint8_t *group, const uint8_t *block,
                              int64_t channel, weights_block *w) {
  if (type == SKS_Q8_0 || type == SKS_Q4_0) {
    w->scales[0] = vec_widen(block + 2 * channel, SKS_F16);
    return;
  }
  vec d = vec_widen(group + 2 * channel, SKS_F16);
  const uint8_t *scales = block + channel, *more = scales + SKS_PANEL_MORE_SCALES;
  if (type == SKS_Q6_K) {
    w->scales[0] = vec_mul(d, vec_of_signed_bytes(scales));
    w->scales[1] = vec_mul(d, vec_of_signed_bytes(more));
    return;
  }
  w->scales[0] = vec_mul(d, vec_of_bytes(scales));
  w->minimum =
      vec_mul(vec_widen(group + SKS_PANEL_DMIN + 2 * channel, SKS_F16), vec_of_bytes(more));
}

SKS_INLINE ivec dot_unit(const int32_t type, ivec sum, ivec w, ivec digits) {
  return type == SKS_Q8_0 ? ivec_dot_wide(sum, w, digits) : ivec_dot(sum, w, digits);
}

/* What stands for zero in all channels, times the sum of the input, to be taken away. */
SKS_INLINE ivec minus_zeros(const int32_t type, const sks_input_block *x, const int part) {
  if (type == SKS_Q4_K || type == SKS_Q5_K || (type == SKS_Q8_0 && IVEC_DOT_IS_SIGNED))
    return ivec_set(0);
  ivec sum = ivec_set(x->minus_sums[part]);
  if (type == SKS_Q6_K && part == 0) sum = ivec_sub(sum, ivec_set(x->minus_sums[1]));
  return ivec_shift_left(sum, type == SKS_Q8_0 ? 7 : type == SKS_Q6_K ? 5 : 3);
}

/* sums[v] += the dot products of one row's block with the channels of each vector. */
SKS_INLINE void add_block(const int32_t type, const weights_block *w, const sks_input_block *x,
                          vec *sums) {
  const int parts = type == SKS_Q6_K ? 2 : 1, units = 8 / parts;
  vec scale = vec_set(x->scale);
#pragma GCC unroll 2
  for (int part = 0; part < parts; part++) {
    ivec high[PANEL_TILE_VECTORS], low[PANEL_TILE_VECTORS], start = minus_zeros(type, x, part);
#pragma GCC unroll 2
    for (int v = 0; v < PANEL_TILE_VECTORS; v++) {
      high[v] = ivec_set(0);
      low[v] = start;
    }
#pragma GCC unroll 8
    for (int k = part * units; k < (part + 1) * units; k++) {
      ivec high_digits = ivec_four_bytes(x->high + 4 * k);
      ivec low_digits = ivec_four_bytes(x->low + 4 * k);
#pragma GCC unroll 2
      for (int v = 0; v < PANEL_TILE_VECTORS; v++) {
        high[v] = dot_unit(type, high[v], w[v].q[k], high_digits);
        low[v] = dot_unit(type, low[v], w[v].q[k], low_digits);
      }
    }
#pragma GCC unroll 2
    for (int v = 0; v < PANEL_TILE_VECTORS; v++) {
      ivec both = ivec_add(ivec_shift_left(high[v], SKS_INPUT_DIGIT_BITS), low[v]);
      sums[v] = vec_fma(vec_mul(w[v].scales[part], scale), vec_of_ints(both), sums[v]);
    }
  }
  if (type == SKS_Q4_K || type == SKS_Q5_K) {
    vec minus_sum = vec_set(x->minus_sum);
#pragma GCC unroll 2
    for (int v = 0; v < PANEL_TILE_VECTORS; v++)
      sums[v] = vec_fma(w[v].minimum, minus_sum, sums[v]);
  }
}

/* The vectors of channels from `channel` on. */
SKS_INLINE void panel_tile(const int32_t type, const uint8_t *panel, int64_t columns,
                           int64_t channel, const sks_input_block *x, const int rows, float *y,
                           int64_t y_stride) {
  enum { VECTORS = PANEL_TILE_VECTORS };
  const sks_panel_group shape = sks_panel_group_of(type);
  const int64_t blocks = shape.columns / SKS_PANEL_BLOCK, stride = sks_input_blocks(columns);
  vec sums[PANEL_TILE_ROWS][VECTORS];
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; v++) sums[r][v] = vec_zero();
  for (int64_t i = 0; i < columns; i += shape.columns, panel += shape.bytes, x += blocks) {
    for (int64_t b = 0; b < blocks; b++) {
      const uint8_t *block = panel + shape.header_bytes + b * shape.block_bytes;
      weights_block w[VECTORS];
#pragma GCC unroll 2
      for (int v = 0; v < VECTORS; v++)
        unpack_scales(type, panel, block, channel + v * LANES, &w[v]);
      unpack_integers(type, block + SKS_PANEL_SCALES + 4 * channel, w);
#pragma GCC unroll 8
      for (int r = 0; r < rows; r++) add_block(type, w, x + r * stride + b, sums[r]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; v++) vec_store(y + r * y_stride + channel + v * LANES, sums[r][v]);
}

SKS_INLINE void panel_rows(const int32_t type, const void *panel, int64_t columns, const void *x,
                           int64_t rows, float *y, int64_t y_stride) {
  const sks_input_block *row = x;
  const int64_t stride = sks_input_blocks(columns);
  for (int64_t c = 0; c < SKS_PANEL_CHANNELS; c += PANEL_TILE_VECTORS * LANES) {
    int64_t r = 0;
    for (; r + PANEL_TILE_ROWS <= rows; r += PANEL_TILE_ROWS)
      panel_tile(type, panel, columns, c, row + r * stride, PANEL_TILE_ROWS, y + r * y_stride,
                 y_stride);
    for (; r < rows; r++)
      panel_tile(type, panel, columns, c, row + r * stride, 1, y + r * y_stride, y_stride);
  }
}

static void panel_quantized(int32_t type, const void *panel, int64_t columns, const void *x,
                            int64_t rows, float *y, int64_t y_stride) {
  switch (type) {
    case SKS_Q8_0:
      panel_rows(SKS_Q8_0, panel, columns, x, rows, y, y_stride);
      break;
    case SKS_Q4_0:
      panel_rows(SKS_Q4_0, panel, columns, x, rows, y, y_stride);
      break;
    case SKS_Q4_K:
      panel_rows(SKS_Q4_K, panel, columns, x, rows, y, y_stride);
      break;
    case SKS_Q5_K:
      panel_rows(SKS_Q5_K, panel, columns, x, rows, y, y_stride);
      break;
    default:
      panel_rows(SKS_Q6_K, panel, columns, x, rows, y, y_stride);
  }
}

static void fill_panel(sks_kernels *table) {
  for (int32_t type = SKS_Q8_0; type < SKS_TYPES; type++) table->panel[type] = panel_quantized;
}

#endif
