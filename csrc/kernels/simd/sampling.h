/* Reductions of logits for any instruction set: include after its vector.h. */
#ifndef SINKSTREAM_KERNELS_SIMD_SAMPLING_H
#define SINKSTREAM_KERNELS_SIMD_SAMPLING_H

#include <math.h>

#include "core/kernels.h"
#include "kernels/simd/elements.h"
#include "kernels/simd/exp.h"

/* -infinity where there is nothing but NaN. */
SKS_INLINE float largest(const float *x, int64_t count) {
  vec most = vec_set(-INFINITY);
  for (int64_t i = 0; i < count; i += LANES) most = vec_max(load_left(x + i, count - i, NAN), most);
  return vec_largest(most);
}

static int64_t argmax(const float *x, int64_t count) {
  vec most = vec_set(largest(x, count));
  for (int64_t i = 0; i < count; i += LANES) {
    int64_t lane = vec_first_equal(load_left(x + i, count - i, NAN), most);
    if (lane < LANES) return i + lane;
  }
  return 0;
}

static double log_sum_exp(const float *x, int64_t count) {
  float max = largest(x, count);
  if (isinf(max)) return max;
  wide sum = wide_set(0);
  for (int64_t i = 0; i < count; i += LANES)
    sum = wide_add(sum,
                   wide_of(vec_exp(vec_sub(load_left(x + i, count - i, -INFINITY), vec_set(max)))));
  return max + log(wide_sum(sum));
}

static void fill_sampling(sks_kernels *table) {
  table->argmax = argmax;
  table->log_sum_exp = log_sum_exp;
}

#endif
