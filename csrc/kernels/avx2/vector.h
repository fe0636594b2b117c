/* The vocabulary of csrc/kernels/simd in AVX2 with FMA and F16C. */
#ifndef SINKSTREAM_KERNELS_AVX2_VECTOR_H
#define SINKSTREAM_KERNELS_AVX2_VECTOR_H

#include <immintrin.h>
#include <stdint.h>

#include "kernels/simd/inline.h"
#include "sinkstream/types.h"

typedef __m256 vec;
enum { LANES = 8 };

SKS_INLINE vec vec_set(float x) { return _mm256_set1_ps(x); }
SKS_INLINE vec vec_zero(void) { return _mm256_setzero_ps(); }
SKS_INLINE vec vec_load(const float *at) { return _mm256_loadu_ps(at); }
SKS_INLINE void vec_store(float *at, vec x) { _mm256_storeu_ps(at, x); }
SKS_INLINE vec vec_add(vec a, vec b) { return _mm256_add_ps(a, b); }
SKS_INLINE vec vec_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
SKS_INLINE vec vec_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
SKS_INLINE vec vec_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
SKS_INLINE vec vec_round(vec x) {
  return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* NaN where b is NaN. */
SKS_INLINE vec vec_max(vec a, vec b) { return _mm256_max_ps(a, b); }

SKS_INLINE vec vec_lane_numbers(void) { return _mm256_set_ps(7, 6, 5, 4, 3, 2, 1, 0); }

SKS_INLINE float vec_sum(vec x) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

SKS_INLINE float vec_largest(vec x) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

/* x * 2^n for integral n <= 127; 0 where n < -126, and NaN stays. */
SKS_INLINE vec vec_scale(vec x, vec n) {
  __m256i exponent =
      _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  vec enough = _mm256_cmp_ps(n, _mm256_set1_ps(-126), _CMP_NLT_UQ);
  return _mm256_and_ps(_mm256_mul_ps(x, _mm256_castsi256_ps(exponent)), enough);
}

/* 8 elements of `type`, widened. */
SKS_INLINE vec vec_widen(const void *at, int32_t type) {
  if (type == SKS_F32) {
    vec x = _mm256_loadu_ps(at);
    __asm__("" : "+x"(x)); /* or GCC reads it again for each of its uses */
    return x;
  }
  __m128i half = _mm_loadu_si128(at);
  if (type == SKS_F16) return _mm256_cvtph_ps(half);
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

/* Eight elements are the whole vector here. */
SKS_INLINE vec vec_widen_half(const void *at, int32_t type) { return vec_widen(at, type); }

/* Lane by lane the sums of four vectors: of each 128-bit lane, the sums of a, b, c and d. */
SKS_INLINE vec vec_sums_in_lanes(const vec x[4]) {
  return _mm256_hadd_ps(_mm256_hadd_ps(x[0], x[1]), _mm256_hadd_ps(x[2], x[3]));
}

/* Lane i of the result is the sum of all lanes of x[i]. */
SKS_INLINE vec vec_sums(const vec x[LANES]) {
  vec a = vec_sums_in_lanes(x), b = vec_sums_in_lanes(x + 4);
  return vec_add(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}

#endif
