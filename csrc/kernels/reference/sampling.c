#include <math.h>

#include "kernels/reference/reference.h"

static int64_t argmax(const float *x, int64_t count) {
  int64_t best = 0;
  for (int64_t i = 1; i < count; i++)
    if (x[i] > x[best] || (isnan(x[best]) && !isnan(x[i]))) best = i;
  return best;
}

static double log_sum_exp(const float *x, int64_t count) {
  double max = -INFINITY, sum = 0;
  for (int64_t i = 0; i < count; i++) max = fmax(max, x[i]);
  if (isinf(max)) return max;
  for (int64_t i = 0; i < count; i++) sum += exp(x[i] - max);
  return max + log(sum);
}

void sks_reference_sampling(sks_kernels *table) {
  table->argmax = argmax;
  table->log_sum_exp = log_sum_exp;
}
