#include <math.h>

#include "kernels/reference/reference.h"

static void silu_gate(const float *gate, const float *up, int64_t count, float *y) {
  for (int64_t i = 0; i < count; i++) y[i] = (float)(gate[i] / (1 + exp(-(double)gate[i])) * up[i]);
}

static void gelu_exact(float *x, int64_t count) {
  for (int64_t i = 0; i < count; i++) x[i] = (float)(0.5 * x[i] * erfc(-x[i] * M_SQRT1_2));
}

/* HF activations.py, "gelu_new": 0.5 (1 + tanh(u)) is 1 / (1 + e^(-2 u)), which does not cancel. */
static void gelu_tanh(float *x, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    double u = M_2_SQRTPI * M_SQRT1_2 * (x[i] + 0.044715 * x[i] * x[i] * x[i]);
    x[i] = (float)(x[i] / (1 + exp(-2 * u)));
  }
}

static void clamp(float *x, int64_t count, float limit) {
  for (int64_t i = 0; i < count; i++) x[i] = x[i] > limit ? limit : x[i] < -limit ? -limit : x[i];
}

void sks_reference_activation(sks_kernels *table) {
  table->silu_gate = silu_gate;
  table->gelu_exact = gelu_exact;
  table->gelu_tanh = gelu_tanh;
  table->clamp = clamp;
}
