/* The vocabulary of csrc/kernels/simd in AVX-512. */
#ifndef SINKSTREAM_KERNELS_AVX512_VECTOR_H
#define SINKSTREAM_KERNELS_AVX512_VECTOR_H

#include <immintrin.h>
#include <stdint.h>

#include "kernels/simd/inline.h"
#include "sinkstream/types.h"

typedef __m512 vec;
enum { LANES = 16 };

SKS_INLINE vec vec_set(float x) { return _mm512_set1_ps(x); }
SKS_INLINE vec vec_zero(void) { return _mm512_setzero_ps(); }
SKS_INLINE vec vec_load(const float *at) { return _mm512_loadu_ps(at); }
SKS_INLINE void vec_store(float *at, vec x) { _mm512_storeu_ps(at, x); }
SKS_INLINE vec vec_add(vec a, vec b) { return _mm512_add_ps(a, b); }
SKS_INLINE vec vec_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
SKS_INLINE vec vec_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
SKS_INLINE vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
SKS_INLINE vec vec_round(vec x) {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
SKS_INLINE float vec_sum(vec x) { return _mm512_reduce_add_ps(x); }
SKS_INLINE float vec_largest(vec x) { return _mm512_reduce_max_ps(x); }

/* NaN where b is NaN. */
SKS_INLINE vec vec_max(vec a, vec b) { return _mm512_max_ps(a, b); }

SKS_INLINE vec vec_lane_numbers(void) {
  return _mm512_set_ps(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

/* x * 2^n for integral n; 0 where that is too small. */
SKS_INLINE vec vec_scale(vec x, vec n) { return _mm512_scalef_ps(x, n); }

/* 16 elements of `type`, widened. */
SKS_INLINE vec vec_widen(const void *at, int32_t type) {
  if (type == SKS_F32) return _mm512_loadu_ps(at);
  __m256i half = _mm256_loadu_si256(at);
  if (type == SKS_F16) return _mm512_cvtph_ps(half);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

/* 8 elements of `type`, widened, and 8 zeros. */
SKS_INLINE vec vec_widen_half(const void *at, int32_t type) {
  if (type == SKS_F32) return _mm512_maskz_loadu_ps(0xff, at);
  __m256i half = _mm256_zextsi128_si256(_mm_loadu_si128(at));
  if (type == SKS_F16) return _mm512_cvtph_ps(half);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

/* Lane by lane the sums of four vectors: of each 128-bit lane, the sums of a, b, c and d. */
SKS_INLINE vec vec_sums_in_lanes(const vec x[4]) {
  vec ab = vec_add(_mm512_unpacklo_ps(x[0], x[1]), _mm512_unpackhi_ps(x[0], x[1]));
  vec cd = vec_add(_mm512_unpacklo_ps(x[2], x[3]), _mm512_unpackhi_ps(x[2], x[3]));
  __m512d low = _mm512_unpacklo_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
  __m512d high = _mm512_unpackhi_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
  return vec_add(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
}

/* Lane i of the result is the sum of all lanes of x[i]. */
SKS_INLINE vec vec_sums(const vec x[LANES]) {
  vec a = vec_sums_in_lanes(x), b = vec_sums_in_lanes(x + 4);
  vec c = vec_sums_in_lanes(x + 8), d = vec_sums_in_lanes(x + 12);
  vec ab = vec_add(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
  vec cd = vec_add(_mm512_shuffle_f32x4(c, d, 0x88), _mm512_shuffle_f32x4(c, d, 0xdd));
  return vec_add(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
}

#endif
