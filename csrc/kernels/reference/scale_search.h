/*
 * How the quantisers of ggml's two-level block formats find the scale of a sub-block. For each of
 * some candidates, values are rounded with it, the best scale for the rounded values follows by
 * weighted least squares, and the one with the least weighted error stays.
 */
#ifndef SINKSTREAM_KERNELS_REFERENCE_SCALE_SEARCH_H
#define SINKSTREAM_KERNELS_REFERENCE_SCALE_SEARCH_H

#include <math.h>

enum { SKS_CANDIDATES = 12 };

/* Weighted sums over the values of a sub-block, for each candidate. */
typedef struct sks_sums {
  double q[SKS_CANDIDATES], qq[SKS_CANDIDATES], qx[SKS_CANDIDATES];
} sks_sums;

/* Inverse scales around that with which `span` takes `steps` steps: from 1.4 steps fewer to 0.8
 * more, where normal and heavy-tailed values were found to have their best ones. */
static inline void sks_candidates(double steps, double span, double *inverse) {
  for (int c = 0; c < SKS_CANDIDATES; c++) inverse[c] = (steps + 0.2 * (c - 7)) / span;
}

/* Rounds (x[i] - low) by each candidate into least..most and sums. The candidates are the inner
 * loop, so that they and not the order of summation are what a compiler vectorises. */
static inline sks_sums sks_sum_candidates(const float *x, const double *w, int count, double low,
                                          const double *inverse, double least, double most) {
  sks_sums s = {{0}, {0}, {0}};
  for (int i = 0; i < count; i++) {
    double value = x[i] - low, weight = w[i], weighted = weight * x[i];
    for (int c = 0; c < SKS_CANDIDATES; c++) {
      double q = floor(value * inverse[c] + 0.5);
      q = q < least ? least : q;
      q = q > most ? most : q;
      s.q[c] += weight * q;
      s.qq[c] += weight * q * q;
      s.qx[c] += weighted * q;
    }
  }
  return s;
}

static inline int sks_clamp(int code, int least, int most) {
  return code < least ? least : code > most ? most : code;
}

/* The whole number within least..most that is nearest. */
static inline int sks_nearest(float value, int least, int most) {
  float rounded = floorf(value + 0.5f);
  return rounded < (float)least ? least : rounded > (float)most ? most : (int)rounded;
}

#endif
