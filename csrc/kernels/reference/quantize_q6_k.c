/* Q6_K: sub-blocks of 16 values with a signed scale of 8 bits each. */
#include "kernels/reference/quantize.h"
#include "kernels/reference/scale_search.h"

enum { VALUES = 16, SUBS = 256 / VALUES, HALF = 32 };

/* The scale, of either sign, by which x[i] is about scale * q[i], q[i] in -32..31. A value counts
 * by its square. */
static double fit(const float *x) {
  double w[VALUES], extreme = 0;
  for (int i = 0; i < VALUES; i++) {
    w[i] = (double)x[i] * x[i];
    if (fabs((double)x[i]) > fabs(extreme)) extreme = x[i];
  }
  if (extreme == 0) return 0;
  double inverse[SKS_CANDIDATES];
  sks_candidates(HALF, -extreme, inverse);
  sks_sums s = sks_sum_candidates(x, w, VALUES, 0, inverse, -HALF, HALF - 1);
  double best = 0, most = 0; /* how much of the weighted square sum a fit explains */
  for (int c = 0; c < SKS_CANDIDATES; c++) {
    double explained = s.qx[c] * s.qx[c] / s.qq[c];
    if (explained > most) {
      most = explained;
      best = s.qx[c] / s.qq[c];
    }
  }
  return best;
}

static void quantize(int32_t type, const float *x, sks_raw_block *raw) {
  double fits[SUBS], extreme = 0;
  for (int j = 0; j < SUBS; j++) {
    fits[j] = fit(x + VALUES * j);
    if (fabs(fits[j]) > fabs(extreme)) extreme = fits[j];
  }
  raw->d = sks_narrow_f16((float)(extreme / -128));
  float d = sks_widen_f16(raw->d);
  for (int j = 0; j < SUBS; j++) {
    int scale = d != 0 ? sks_nearest((float)(fits[j] / d), -128, 127) : 0;
    float step = d * (float)scale;
    raw->scales[j] = (int8_t)scale;
    for (int i = VALUES * j; i < VALUES * (j + 1); i++) {
      int q = step != 0 ? sks_nearest(x[i] / step, -HALF, HALF - 1) : 0;
      raw->q[i] = (uint8_t)(q + sks_zero_point(type));
    }
  }
}

static void narrow_q6_k(const float *source, int64_t count, void *target) {
  sks_quantize_blocks(SKS_Q6_K, quantize, source, count, target);
}

void sks_reference_quantize_q6_k(sks_kernels *table) { table->narrow[SKS_Q6_K] = narrow_q6_k; }
