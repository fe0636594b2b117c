/* Include after an instruction set's vector.h. */
#ifndef SINKSTREAM_KERNELS_SIMD_EXP_H
#define SINKSTREAM_KERNELS_SIMD_EXP_H

/*
 * e^x for x <= 88, within 2 ulp where the result is a normal number; 0 for -infinity, NaN for NaN.
 * x = n ln 2 + r with |r| <= ln 2 / 2, and e^r by interpolation at the Chebyshev nodes of that
 * range.
 */
SKS_INLINE vec vec_exp(vec x) {
  x = vec_max(vec_set(-110.0f), x);
  vec n = vec_round(vec_mul(x, vec_set(1.442695041f)));
  vec r = vec_fma(n, vec_set(-0x1.62e4p-1f),
                  x); /* ln 2 in two parts, the first of few bits: n times it is exact */
  r = vec_fma(n, vec_set(-0x1.7f7d1cp-20f), r);
  vec p = vec_set(1.9891980e-4f);
  p = vec_fma(p, r, vec_set(1.39345415e-3f));
  p = vec_fma(p, r, vec_set(8.33331048e-3f));
  p = vec_fma(p, r, vec_set(4.16664556e-2f));
  p = vec_fma(p, r, vec_set(1.66666672e-1f));
  p = vec_fma(p, r, vec_set(0.5f));
  p = vec_fma(vec_mul(r, r), p, r);
  return vec_scale(vec_add(p, vec_set(1.0f)), n);
}

#endif
