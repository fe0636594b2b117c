/* Activations for any instruction set: include after its vector.h. */
#ifndef SINKSTREAM_KERNELS_SIMD_ACTIVATION_H
#define SINKSTREAM_KERNELS_SIMD_ACTIVATION_H

#include "core/kernels.h"
#include "kernels/simd/elements.h"
#include "kernels/simd/exp.h"

/* x / (1 + e^-s) where s has the sign of x and e is e^-|s|: no exponential overflows. */
SKS_INLINE vec times_sigmoid(vec x, vec e) {
  vec one = vec_set(1);
  return vec_div(vec_mul(x, vec_where_negative(x, e, one)), vec_add(one, e));
}

/* Within 3 ulp where e^-|x| is a normal number. */
SKS_INLINE vec silu(vec x) { return times_sigmoid(x, vec_exp(vec_sub(vec_zero(), vec_abs(x)))); }

/*
 * x * Phi(x), Phi being the normal distribution, within 6 ulp where the tail Phi(-|x|) is a normal
 * number. The tail is e^(-x^2 / 2) r P(1 - 6 r) with r = 1 / (|x| + 3), which maps the whole
 * half-line to where a polynomial of degree 9 is within 2e-8 of it (the idea: Shepherd and
 * Laframboise, Mathematics of Computation 36, 1981; P by a minimax fit).
 */
SKS_INLINE vec gelu_exact_of(vec x) {
  vec a = vec_min(vec_set(20),
                  vec_abs(x)); /* beyond, the tail is 0; infinity less infinity would be NaN */
  vec r = vec_div(vec_set(1), vec_add(a, vec_set(3)));
  vec q = vec_fma(vec_set(-6), r, vec_set(1));
  vec p = vec_set(5.185632e-05f);
  p = vec_fma(p, q, vec_set(-2.0389949e-04f));
  p = vec_fma(p, q, vec_set(-9.4675075e-04f));
  p = vec_fma(p, q, vec_set(1.0171296e-03f));
  p = vec_fma(p, q, vec_set(6.937465e-03f));
  p = vec_fma(p, q, vec_set(-1.0462445e-02f));
  p = vec_fma(p, q, vec_set(-4.725819e-02f));
  p = vec_fma(p, q, vec_set(2.300177e-01f));
  p = vec_fma(p, q, vec_set(-5.093322e-01f));
  p = vec_fma(p, q, vec_set(7.290837e-01f));
  /* What rounding takes from x^2 / 2 would be a relative error of the exponential. */
  vec half = vec_mul(vec_set(0.5f), a), square = vec_mul(half, a);
  vec lost = vec_fma(half, a, vec_sub(vec_zero(), square));
  vec e = vec_exp(vec_sub(vec_zero(), square));
  e = vec_sub(e, vec_mul(e, lost));
  vec below = vec_mul(a, vec_mul(vec_mul(p, r), e));
  return vec_where_negative(x, vec_sub(vec_zero(), below), vec_sub(x, below));
}

/*
 * x / (1 + e^-s) with s = 2 sqrt(2 / pi) (x + 0.044715 x^3), which is HF's "gelu_new" without its
 * tanh; within 3 ulp where e^-|s| is a normal number. |s| is held as a sum of two floats, as its
 * rounding would be a relative error of the exponential.
 */
SKS_INLINE vec gelu_tanh_of(vec x) {
  const double linear = 1.5957691216057308, cubic = linear * 0.044715;
  vec linear_high = vec_set((float)linear), linear_low = vec_set((float)(linear - (float)linear));
  vec cubic_high = vec_set((float)cubic), cubic_low = vec_set((float)(cubic - (float)cubic));
  vec a = vec_min(vec_set(12), vec_abs(x)); /* beyond, e^-|s| is 0 */
  vec square = vec_mul(a, a), square_low = vec_fma(a, a, vec_sub(vec_zero(), square));
  vec p = vec_mul(cubic_high, square), p_low = vec_fma(cubic_high, square, vec_sub(vec_zero(), p));
  p_low = vec_fma(cubic_high, square_low, vec_fma(cubic_low, square, p_low));
  vec w = vec_add(linear_high, p), of_p = vec_sub(w, linear_high);
  vec w_low = vec_add(vec_sub(linear_high, vec_sub(w, of_p)), vec_sub(p, of_p));
  w_low = vec_add(w_low, vec_add(p_low, linear_low));
  vec s = vec_mul(a, w), s_low = vec_fma(a, w_low, vec_fma(a, w, vec_sub(vec_zero(), s)));
  vec e = vec_exp(vec_sub(vec_zero(), s));
  return times_sigmoid(x, vec_sub(e, vec_mul(e, s_low)));
}

static void silu_gate(const float *gate, const float *up, int64_t count, float *y) {
  for (int64_t i = 0; i < count; i += LANES)
    store_left(y + i,
               vec_mul(silu(load_left(gate + i, count - i, 0)), load_left(up + i, count - i, 0)),
               count - i);
}

static void gelu_exact(float *x, int64_t count) {
  for (int64_t i = 0; i < count; i += LANES)
    store_left(x + i, gelu_exact_of(load_left(x + i, count - i, 0)), count - i);
}

static void gelu_tanh(float *x, int64_t count) {
  for (int64_t i = 0; i < count; i += LANES)
    store_left(x + i, gelu_tanh_of(load_left(x + i, count - i, 0)), count - i);
}

static void clamp(float *x, int64_t count, float limit) {
  for (int64_t i = 0; i < count; i += LANES) {
    vec low = vec_max(vec_set(-limit), load_left(x + i, count - i, 0));
    store_left(x + i, vec_min(vec_set(limit), low), count - i);
  }
}

static void fill_activation(sks_kernels *table) {
  table->silu_gate = silu_gate;
  table->gelu_exact = gelu_exact;
  table->gelu_tanh = gelu_tanh;
  table->clamp = clamp;
}

#endif
