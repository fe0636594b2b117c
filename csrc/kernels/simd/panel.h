/*
 * Linear layers over packed weights (core/panel.h) with quantised input, for any instruction set:
 * include after its vector.h and integer.h.
 *
 * Vectors run along the channels of a panel. A block of weights is taken apart once for all rows of
 * a tile; each row then takes eight integer dot products for each of its two digits, and one
 * multiply-add for each scale. A
 * sum has the same terms in the same order whatever the number of rows.
 */
#ifndef SINKSTREAM_KERNELS_SIMD_PANEL_H
#define SINKSTREAM_KERNELS_SIMD_PANEL_H

#include "core/kernels.h"
#include "kernels/simd/elements.h"

enum { PANEL_TILE_ROWS = 8 };

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

SKS_INLINE void unpack_integers(const int32_t type, const uint8_t *block, weights_block *w) {
  if (type == SKS_Q8_0) {
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++) w->q[k] = ivec_load(block + 64 * k);
    return;
  }
#pragma GCC unroll 4
  for (int k = 0; k < 4; k++) {
    ivec nibbles = ivec_load(block + 64 * k);
    w->q[k] = bits_of(nibbles, 0, 15);
    w->q[k + 4] = bits_of(nibbles, 4, 15);
  }
  if (type == SKS_Q5_K) {
    ivec high = ivec_load(block + 256);
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++) w->q[k] = ivec_or(w->q[k], bits_of(high, k - 4, 16));
  }
  if (type == SKS_Q6_K) {
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++) {
      ivec high = ivec_load(block + 256 + 64 * (k / 4));
      w->q[k] = ivec_or(w->q[k], bits_of(high, 2 * (k % 4) - 4, 48));
    }
  }
}

SKS_INLINE void unpack_scales(const int32_t type, const uint8_t *group, int64_t b, int64_t channel,
                              weights_block *w) {
  if (type == SKS_Q8_0 || type == SKS_Q4_0) {
    w->scales[0] = vec_widen(group + 32 * b + 2 * channel, SKS_F16);
    return;
  }
  vec d = vec_widen(group + 2 * channel, SKS_F16);
  const uint8_t *scales = group + SKS_PANEL_SCALES + channel;
  if (type == SKS_Q6_K) {
    w->scales[0] = vec_mul(d, vec_of_signed_bytes(scales + 32 * b));
    w->scales[1] = vec_mul(d, vec_of_signed_bytes(scales + 32 * b + 16));
    return;
  }
  vec dmin = vec_widen(group + SKS_PANEL_DMIN + 2 * channel, SKS_F16);
  w->scales[0] = vec_mul(d, vec_of_bytes(scales + 16 * b));
  w->minimum = vec_mul(dmin, vec_of_bytes(group + SKS_PANEL_MINIMA + 16 * b + channel));
}

/* sum + the dot products of four units from `first` on with the digits of their columns. */
SKS_INLINE ivec dot_units(const int32_t type, const weights_block *w, const int8_t *digits,
                          const int first, ivec sum) {
#pragma GCC unroll 4
  for (int k = first; k < first + 4; k++)
    sum = type == SKS_Q8_0 ? ivec_dot_wide(sum, w->q[k], digits + 4 * k)
                           : ivec_dot(sum, w->q[k], digits + 4 * k);
  return sum;
}

/* The same with the low digits, from what the zero point takes away on. */
SKS_INLINE ivec dot_low(const int32_t type, const weights_block *w, const sks_input_block *x,
                        const int first) {
  const int shift = type == SKS_Q8_0 ? 7 : type == SKS_Q6_K ? 5 : 3;
  const bool from_zero =
      type == SKS_Q4_K || type == SKS_Q5_K || (type == SKS_Q8_0 && IVEC_DOT_IS_SIGNED);
  ivec start = from_zero ? ivec_set(0) : ivec_shift_left(ivec_set(x->minus_sums[first / 4]), shift);
  return dot_units(type, w, x->low, first, start);
}

/* SKS_INPUT_BASE * high + low. */
SKS_INLINE vec both_digits(ivec high, ivec low) {
  ivec times_base = ivec_sub(ivec_shift_left(high, 8), ivec_add(high, high));
  return vec_of_ints(ivec_add(times_base, low));
}

SKS_INLINE vec add_block(const int32_t type, const weights_block *w, const sks_input_block *x,
                         vec sum) {
  vec scale = vec_set(x->scale);
  ivec low = dot_low(type, w, x, 0), more_low = dot_low(type, w, x, 4);
  ivec high = dot_units(type, w, x->high, 0, ivec_set(0));
  if (type == SKS_Q6_K) {
    ivec more_high = dot_units(type, w, x->high, 4, ivec_set(0));
    sum = vec_fma(vec_mul(w->scales[0], scale), both_digits(high, low), sum);
    return vec_fma(vec_mul(w->scales[1], scale), both_digits(more_high, more_low), sum);
  }
  high = dot_units(type, w, x->high, 4, high);
  sum = vec_fma(vec_mul(w->scales[0], scale), both_digits(high, ivec_add(low, more_low)), sum);
  if (type == SKS_Q4_K || type == SKS_Q5_K) sum = vec_fma(w->minimum, vec_set(x->minus_sum), sum);
  return sum;
}

/* LANES channels from `channel` on, `rows` rows. */
SKS_INLINE void panel_tile(const int32_t type, const uint8_t *panel, int64_t columns,
                           int64_t channel, const sks_input_block *x, const int rows, float *y,
                           int64_t y_stride) {
  const sks_panel_group shape = sks_panel_group_of(type);
  const int64_t blocks = shape.columns / SKS_PANEL_BLOCK, stride = sks_input_blocks(columns);
  vec sums[PANEL_TILE_ROWS];
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++) sums[r] = vec_zero();
  for (int64_t i = 0; i < columns; i += shape.columns, panel += shape.bytes, x += blocks) {
    for (int64_t b = 0; b < blocks; b++) {
      const uint8_t *block = panel + shape.header_bytes + b * shape.block_bytes;
      weights_block w;
      unpack_integers(type, block + 4 * channel, &w);
      unpack_scales(type, panel, b, channel, &w);
#pragma GCC unroll 8
      for (int r = 0; r < rows; r++) sums[r] = add_block(type, &w, x + r * stride + b, sums[r]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++) vec_store(y + r * y_stride + channel, sums[r]);
}

SKS_INLINE void panel_rows(const int32_t type, const void *panel, int64_t columns, const void *x,
                           int64_t rows, float *y, int64_t y_stride) {
  const sks_input_block *row = x;
  const int64_t stride = sks_input_blocks(columns);
  for (int64_t c = 0; c < SKS_PANEL_CHANNELS; c += LANES) {
    int64_t r = 0;
    for (; r + PANEL_TILE_ROWS <= rows; r += PANEL_TILE_ROWS)
      panel_tile(type, panel, columns, c, row + r * stride, PANEL_TILE_ROWS, y + r * y_stride,
                 y_stride);
    if (r + 4 <= rows) {
      panel_tile(type, panel, columns, c, row + r * stride, 4, y + r * y_stride, y_stride);
      r += 4;
    }
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
