/* Normalisation for any instruction set: include after its vector.h. In double throughout, as the
 * row is read once anyway. */
#ifndef SINKSTREAM_KERNELS_SIMD_NORM_H
#define SINKSTREAM_KERNELS_SIMD_NORM_H

#include <math.h>

#include "core/kernels.h"
#include "kernels/simd/elements.h"

static void rms_norm(const float *x, int64_t columns, const float *weight, float epsilon,
                     float *y) {
  wide squares = wide_set(0);
  for (int64_t i = 0; i < columns; i += LANES) {
    wide value = wide_of(load_left(x + i, columns - i, 0));
    squares = wide_fma(value, value, squares);
  }
  wide scale = wide_set(1 / sqrt(wide_sum(squares) / (double)columns + epsilon));
  for (int64_t i = 0; i < columns; i += LANES) {
    wide value = wide_mul(wide_of(load_left(x + i, columns - i, 0)), scale);
    wide weighted = wide_mul(value, wide_of(load_left(weight + i, columns - i, 0)));
    store_left(y + i, wide_narrow(weighted), columns - i);
  }
}

static void layer_norm(const float *x, int64_t columns, const float *weight, const float *bias,
                       float epsilon, float *y) {
  wide sum = wide_set(0), squares = wide_set(0);
  for (int64_t i = 0; i < columns; i += LANES)
    sum = wide_add(sum, wide_of(load_left(x + i, columns - i, 0)));
  double mean = wide_sum(sum) / (double)columns, rest = 0;
  int64_t whole = columns / LANES * LANES;
  for (int64_t i = 0; i < whole; i += LANES) {
    wide centred = wide_add(wide_of(vec_load(x + i)), wide_set(-mean));
    squares = wide_fma(centred, centred, squares);
  }
  for (int64_t i = whole; i < columns; i++) rest += (x[i] - mean) * (x[i] - mean);
  wide scale = wide_set(1 / sqrt((wide_sum(squares) + rest) / (double)columns + epsilon));
  for (int64_t i = 0; i < columns; i += LANES) {
    wide centred = wide_add(wide_of(load_left(x + i, columns - i, 0)), wide_set(-mean));
    wide weighted =
        wide_mul(wide_mul(centred, scale), wide_of(load_left(weight + i, columns - i, 0)));
    if (bias) weighted = wide_add(weighted, wide_of(load_left(bias + i, columns - i, 0)));
    store_left(y + i, wide_narrow(weighted), columns - i);
  }
}

static void fill_norm(sks_kernels *table) {
  table->rms_norm = rms_norm;
  table->layer_norm = layer_norm;
}

#endif
