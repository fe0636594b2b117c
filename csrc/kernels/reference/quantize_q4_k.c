/* Q4_K and Q5_K: sub-blocks of 32 values with a scale and a minimum of 6 bits each. */
#include <stdbool.h>

#include "kernels/reference/quantize.h"
#include "kernels/reference/scale_search.h"

enum { VALUES = 32, SUBS = 256 / VALUES, MOST = 63, ROUNDS = 2 };

/* x[i] is about scale * q[i] - minimum, q[i] in 0..top; neither is negative. */
typedef struct affine {
  double scale, minimum;
} affine;

/* A value counts by its magnitude, and at least by the root of the mean square. */
static void weigh(const float *x, double *w) {
  double square = 0;
  for (int i = 0; i < VALUES; i++) square += (double)x[i] * x[i];
  double mean = sqrt(square / VALUES);
  for (int i = 0; i < VALUES; i++) w[i] = mean + fabs((double)x[i]);
}

/* A round's candidates start from where the round before ended. */
static affine fit(const float *x, const double *w, int top) {
  double low = 0, high = x[0], sum_w = 0, sum_x = 0;
  for (int i = 0; i < VALUES; i++) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
    sum_w += w[i];
    sum_x += w[i] * x[i];
  }
  affine best = {(high - low) / top, -low};
  double most = 0; /* how much of the weighted square sum a fit explains */
  for (int round = 0; round < ROUNDS && best.scale > 0; round++) {
    double inverse[SKS_CANDIDATES];
    sks_candidates(top, best.scale * top, inverse);
    sks_sums s = sks_sum_candidates(x, w, VALUES, -best.minimum, inverse, 0, top);
    for (int c = 0; c < SKS_CANDIDATES; c++) {
      if (s.qq[c] == 0) continue;
      double determinant = sum_w * s.qq[c] - s.q[c] * s.q[c];
      bool all_same = determinant < 1e-9 * sum_w * s.qq[c];
      affine found = {(sum_w * s.qx[c] - sum_x * s.q[c]) / determinant,
                      (s.q[c] * s.qx[c] - s.qq[c] * sum_x) / determinant};
      if (all_same || found.minimum < 0) found = (affine){s.qx[c] / s.qq[c], 0};
      double explained = found.scale * s.qx[c] - found.minimum * sum_x;
      if (found.scale > 0 && explained > most) {
        most = explained;
        best = found;
      }
    }
  }
  return best;
}

/* What a fit becomes under the scales of its block. */
typedef struct codes {
  int scale, minimum;
} codes;

enum { NEIGHBOURS = 9 };

static codes neighbour(codes from, int n) {
  return (codes){sks_clamp(from.scale + n / 3 - 1, 0, MOST),
                 sks_clamp(from.minimum + n % 3 - 1, 0, MOST)};
}

/* Of some codes and those next to them, the ones with the least error. */
static codes improve(const float *x, const double *w, int top, float d, float dmin, codes from) {
  double step[NEIGHBOURS], inverse[NEIGHBOURS], minimum[NEIGHBOURS], error[NEIGHBOURS] = {0};
  for (int n = 0; n < NEIGHBOURS; n++) {
    codes c = neighbour(from, n);
    step[n] = d * (float)c.scale;
    inverse[n] = step[n] > 0 ? 1 / step[n] : 0;
    minimum[n] = dmin * (float)c.minimum;
  }
  for (int i = 0; i < VALUES; i++) {
    for (int n = 0; n < NEIGHBOURS; n++) {
      double value = x[i] + minimum[n], q = floor(value * inverse[n] + 0.5);
      q = q < 0 ? 0 : q;
      q = q > top ? top : q;
      double wrong = value - step[n] * q;
      error[n] += w[i] * wrong * wrong;
    }
  }
  int best = NEIGHBOURS / 2;
  for (int n = 0; n < NEIGHBOURS; n++) best = error[n] < error[best] ? n : best;
  return neighbour(from, best);
}

static void quantize(int32_t type, const float *x, sks_raw_block *raw) {
  int top = type == SKS_Q5_K ? 31 : 15;
  double weights[SUBS][VALUES];
  affine fits[SUBS];
  double most_scale = 0, most_minimum = 0;
  for (int j = 0; j < SUBS; j++) {
    weigh(x + VALUES * j, weights[j]);
    fits[j] = fit(x + VALUES * j, weights[j], top);
    most_scale = fmax(most_scale, fits[j].scale);
    most_minimum = fmax(most_minimum, fits[j].minimum);
  }
  raw->d = sks_narrow_f16((float)(most_scale / MOST));
  raw->dmin = sks_narrow_f16((float)(most_minimum / MOST));
  float d = sks_widen_f16(raw->d), dmin = sks_widen_f16(raw->dmin);
  for (int j = 0; j < SUBS; j++) {
    codes c = {d > 0 ? sks_nearest((float)(fits[j].scale / d), 0, MOST) : 0,
               dmin > 0 ? sks_nearest((float)(fits[j].minimum / dmin), 0, MOST) : 0};
    c = improve(x + VALUES * j, weights[j], top, d, dmin, c);
    raw->scales[j] = (int8_t)c.scale;
    raw->minima[j] = (uint8_t)c.minimum;
    float step = d * (float)c.scale, minimum = dmin * (float)c.minimum;
    for (int i = VALUES * j; i < VALUES * (j + 1); i++)
      raw->q[i] = (uint8_t)(step > 0 ? sks_nearest((x[i] + minimum) / step, 0, top) : 0);
  }
}

static void narrow_q4_k(const float *source, int64_t count, void *target) {
  sks_quantize_blocks(SKS_Q4_K, quantize, source, count, target);
}

static void narrow_q5_k(const float *source, int64_t count, void *target) {
  sks_quantize_blocks(SKS_Q5_K, quantize, source, count, target);
}

void sks_reference_quantize_q4_k(sks_kernels *table) {
  table->narrow[SKS_Q4_K] = narrow_q4_k;
  table->narrow[SKS_Q5_K] = narrow_q5_k;
}
