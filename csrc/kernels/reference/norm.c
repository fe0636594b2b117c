#include <math.h>

#include "kernels/reference/reference.h"

static void rms_norm(const float *x, int64_t columns, const float *weight, float epsilon,
                     float *y) {
  double squares = 0;
  for (int64_t i = 0; i < columns; i++) squares += (double)x[i] * x[i];
  double scale = 1 / sqrt(squares / (double)columns + epsilon);
  for (int64_t i = 0; i < columns; i++) y[i] = (float)(x[i] * scale * weight[i]);
}

static void layer_norm(const float *x, int64_t columns, const float *weight, const float *bias,
                       float epsilon, float *y) {
  double sum = 0;
  for (int64_t i = 0; i < columns; i++) sum += x[i];
  double mean = sum / (double)columns, squares = 0;
  for (int64_t i = 0; i < columns; i++) squares += (x[i] - mean) * (x[i] - mean);
  double scale = 1 / sqrt(squares / (double)columns + epsilon);
  for (int64_t i = 0; i < columns; i++)
    y[i] = (float)((x[i] - mean) * scale * weight[i] + (bias ? bias[i] : 0));
}

void sks_reference_norm(sks_kernels *table) {
  table->rms_norm = rms_norm;
  table->layer_norm = layer_norm;
}
