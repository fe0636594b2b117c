/* The vocabulary of csrc/kernels/simd in AVX-512. */
#ifndef SINKSTREAM_KERNELS_AVX512_VECTOR_H
#define SINKSTREAM_KERNELS_AVX512_VECTOR_H

#include <immintrin.h>
#include <stdint.h>

#include "kernels/simd/bytes_x86.h"
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
SKS_INLINE vec vec_div(vec a, vec b) { return _mm512_div_ps(a, b); }
SKS_INLINE vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
SKS_INLINE vec vec_abs(vec x) { return _mm512_abs_ps(x); }
SKS_INLINE vec vec_round(vec x) {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
SKS_INLINE float vec_sum(vec x) { return _mm512_reduce_add_ps(x); }
SKS_INLINE float vec_largest(vec x) { return _mm512_reduce_max_ps(x); }

/* NaN where b is NaN. */
SKS_INLINE vec vec_max(vec a, vec b) { return _mm512_max_ps(a, b); }
SKS_INLINE vec vec_min(vec a, vec b) { return _mm512_min_ps(a, b); }

/* a where x has a minus sign, b elsewhere. */
SKS_INLINE vec vec_where_negative(vec x, vec a, vec b) {
  return _mm512_mask_blend_ps(_mm512_movepi32_mask(_mm512_castps_si512(x)), b, a);
}

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

/* 16 whole numbers from -128 to 127 as bytes. */
SKS_INLINE void vec_store_bytes(int8_t *at, vec x) {
  _mm_storeu_si128((__m128i *)at, _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(x)));
}

/* y[0..15] = scale * (q - zero) - minimum. */
SKS_INLINE void store_widened(float *y, bytes q, int zero, float scale, float minimum) {
  __m512i whole = _mm512_sub_epi32(_mm512_cvtepu8_epi32(q), _mm512_set1_epi32(zero));
  vec scaled = vec_mul(vec_set(scale), _mm512_cvtepi32_ps(whole));
  vec_store(y, vec_sub(scaled, vec_set(minimum)));
}

/* Of numbers without a sign; NaN is the largest. */
SKS_INLINE vec vec_max_size(vec a, vec b) {
  return _mm512_castsi512_ps(_mm512_max_epu32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
}
SKS_INLINE float vec_largest_size(vec x) {
  return _mm_cvtss_f32(
      _mm_castsi128_ps(_mm_cvtsi32_si128((int)_mm512_reduce_max_epu32(_mm512_castps_si512(x)))));
}

/* One f16. */
SKS_INLINE float widen_half(uint16_t half) { return _cvtsh_ss(half); }

/* 8 elements of `type`, widened, and 8 zeros. */
SKS_INLINE vec vec_widen_half(const void *at, int32_t type) {
  if (type == SKS_F32) return _mm512_maskz_loadu_ps(0xff, at);
  __m256i half = _mm256_zextsi128_si256(_mm_loadu_si128(at));
  if (type == SKS_F16) return _mm512_cvtph_ps(half);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

/* 16 signed bytes, as floats. */
SKS_INLINE vec vec_widen_int8(const void *at) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(at)));
}

/* 8 signed bytes, as floats, and 8 zeros. */
SKS_INLINE vec vec_widen_int8_half(const void *at) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadl_epi64(at)));
}

/* 16 numbers of [-128, 127], rounded to nearest, ties to even. */
SKS_INLINE void vec_narrow_int8(void *at, vec x) {
  _mm_storeu_si128(at, _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(x)));
}

SKS_INLINE __mmask16 vec_first_lanes(int64_t count) { return (__mmask16)((1u << count) - 1); }

/* The first `count` of 16 elements, then zeros or what fills; touches no others. */
SKS_INLINE vec vec_widen_part(const void *at, int32_t type, int64_t count) {
  if (type == SKS_F32) return _mm512_maskz_loadu_ps(vec_first_lanes(count), at);
  __m256i half = _mm256_maskz_loadu_epi16(vec_first_lanes(count), at);
  if (type == SKS_F16) return _mm512_cvtph_ps(half);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

SKS_INLINE vec vec_load_part(const float *at, int64_t count, float fill) {
  return _mm512_mask_loadu_ps(_mm512_set1_ps(fill), vec_first_lanes(count), at);
}

SKS_INLINE void vec_store_part(float *at, vec x, int64_t count) {
  _mm512_mask_storeu_ps(at, vec_first_lanes(count), x);
}

/* 16 elements of `type`, rounded to nearest, ties to even; NaN stays NaN. */
SKS_INLINE void vec_narrow(void *at, vec x, int32_t type) {
  if (type == SKS_F32) {
    _mm512_storeu_ps(at, x);
  } else if (type == SKS_F16) {
    _mm256_storeu_si256(at, _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  } else {
    __m512i bits = _mm512_castps_si512(x), high = _mm512_srli_epi32(bits, 16);
    __m512i odd = _mm512_and_si512(high, _mm512_set1_epi32(1));
    __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
    __m512i half =
        _mm512_mask_or_epi32(_mm512_srli_epi32(rounded, 16), _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q),
                             high, _mm512_set1_epi32(0x40));
    _mm256_storeu_si256(at, _mm512_cvtepi32_epi16(half));
  }
}

/* The first lane in which x and y are equal; LANES where there is none. */
SKS_INLINE int64_t vec_first_equal(vec x, vec y) {
  return __builtin_ctz(_mm512_cmp_ps_mask(x, y, _CMP_EQ_OQ) | 1u << LANES);
}

/* A vec in double. */
typedef struct wide {
  __m512d low, high;
} wide;

SKS_INLINE wide wide_set(double x) { return (wide){_mm512_set1_pd(x), _mm512_set1_pd(x)}; }
SKS_INLINE wide wide_of(vec x) {
  return (wide){_mm512_cvtps_pd(_mm512_castps512_ps256(x)),
                _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1))};
}
SKS_INLINE vec wide_narrow(wide x) {
  return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(x.low)), _mm512_cvtpd_ps(x.high),
                            1);
}
SKS_INLINE wide wide_add(wide a, wide b) {
  return (wide){_mm512_add_pd(a.low, b.low), _mm512_add_pd(a.high, b.high)};
}
SKS_INLINE wide wide_mul(wide a, wide b) {
  return (wide){_mm512_mul_pd(a.low, b.low), _mm512_mul_pd(a.high, b.high)};
}
SKS_INLINE wide wide_fma(wide a, wide b, wide c) {
  return (wide){_mm512_fmadd_pd(a.low, b.low, c.low), _mm512_fmadd_pd(a.high, b.high, c.high)};
}
SKS_INLINE double wide_sum(wide x) { return _mm512_reduce_add_pd(_mm512_add_pd(x.low, x.high)); }

/* Lane by lane the sums of four vectors: of each 128-bit lane, the sums of a, b, c and d. */
SKS_INLINE vec vec_sums_in_lanes(const vec x[4]) {
  vec ab = vec_add(_mm512_unpacklo_ps(x[0], x[1]), _mm512_unpackhi_ps(x[0], x[1]));
  vec cd = vec_add(_mm512_unpacklo_ps(x[2], x[3]), _mm512_unpackhi_ps(x[2], x[3]));
  __m512d low = _mm512_unpacklo_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
  __m512d high = _mm512_unpackhi_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
  return vec_add(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
}

/* sums[i] is the sum of all lanes of x[i]. */
SKS_INLINE void vec_sum_four(const vec x[4], float sums[4]) {
  vec s = vec_sums_in_lanes(x);
  __m256 half = _mm256_add_ps(_mm512_castps512_ps256(s), _mm512_extractf32x8_ps(s, 1));
  _mm_storeu_ps(sums, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
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
