/* The vocabulary of csrc/kernels/simd in AVX2 with FMA and F16C. */
#ifndef SINKSTREAM_KERNELS_AVX2_VECTOR_H
#define SINKSTREAM_KERNELS_AVX2_VECTOR_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "kernels/simd/bytes_x86.h"
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
SKS_INLINE vec vec_div(vec a, vec b) { return _mm256_div_ps(a, b); }
SKS_INLINE vec vec_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
SKS_INLINE vec vec_abs(vec x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
SKS_INLINE vec vec_round(vec x) {
  return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* NaN where b is NaN. */
SKS_INLINE vec vec_max(vec a, vec b) { return _mm256_max_ps(a, b); }
SKS_INLINE vec vec_min(vec a, vec b) { return _mm256_min_ps(a, b); }

/* y[0..15] = scale * (q - zero) - minimum. */
SKS_INLINE void store_widened(float *y, bytes q, int zero, float scale, float minimum) {
  for (int i = 0; i < 2; i++, q = _mm_srli_si128(q, 8)) {
    __m256i whole = _mm256_sub_epi32(_mm256_cvtepu8_epi32(q), _mm256_set1_epi32(zero));
    vec scaled = vec_mul(vec_set(scale), _mm256_cvtepi32_ps(whole));
    vec_store(y + 8 * i, vec_sub(scaled, vec_set(minimum)));
  }
}

/* Of numbers without a sign; NaN is the largest. */
SKS_INLINE vec vec_max_size(vec a, vec b) {
  return _mm256_castsi256_ps(_mm256_max_epu32(_mm256_castps_si256(a), _mm256_castps_si256(b)));
}
SKS_INLINE float vec_largest_size(vec x) {
  __m256i bits = _mm256_castps_si256(x);
  __m128i s = _mm_max_epu32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1));
  s = _mm_max_epu32(s, _mm_shuffle_epi32(s, 0x4e));
  s = _mm_max_epu32(s, _mm_shuffle_epi32(s, 0xb1));
  return _mm_cvtss_f32(_mm_castsi128_ps(s));
}

/* One f16. */
SKS_INLINE float widen_half(uint16_t half) { return _cvtsh_ss(half); }

/* 8 whole numbers from -128 to 127 as bytes. */
SKS_INLINE void vec_store_bytes(int8_t *at, vec x) {
  __m256i ints = _mm256_cvtps_epi32(x);
  __m128i shorts = _mm_packs_epi32(_mm256_castsi256_si128(ints), _mm256_extracti128_si256(ints, 1));
  _mm_storel_epi64((__m128i *)at, _mm_packs_epi16(shorts, shorts));
}

/* a where x has a minus sign, b elsewhere. */
SKS_INLINE vec vec_where_negative(vec x, vec a, vec b) { return _mm256_blendv_ps(b, a, x); }

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

SKS_INLINE __m256i vec_first_lanes(int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count),
                            _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0));
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

/* 8 signed bytes, as floats. */
SKS_INLINE vec vec_widen_int8(const void *at) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(at)));
}

SKS_INLINE vec vec_widen_int8_half(const void *at) { return vec_widen_int8(at); }

/* 8 numbers of [-128, 127], rounded to nearest, ties to even. */
SKS_INLINE void vec_narrow_int8(void *at, vec x) {
  __m256i whole = _mm256_cvtps_epi32(x);
  __m128i words =
      _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
  _mm_storel_epi64(at, _mm_packs_epi16(words, words));
}

/* The first `count` of 8 elements, then zeros or what fills; touches no others. */
SKS_INLINE vec vec_widen_part(const void *at, int32_t type, int64_t count) {
  if (type == SKS_F32) return _mm256_maskload_ps(at, vec_first_lanes(count));
  uint16_t halves[LANES] = {0};
  memcpy(halves, at, (size_t)count * sizeof *halves);
  return vec_widen(halves, type);
}

SKS_INLINE vec vec_load_part(const float *at, int64_t count, float fill) {
  __m256i lanes = vec_first_lanes(count);
  return _mm256_blendv_ps(_mm256_set1_ps(fill), _mm256_maskload_ps(at, lanes),
                          _mm256_castsi256_ps(lanes));
}

SKS_INLINE void vec_store_part(float *at, vec x, int64_t count) {
  _mm256_maskstore_ps(at, vec_first_lanes(count), x);
}

/* The low 16 bits of each lane. */
SKS_INLINE __m128i vec_low_halves(__m256i x) {
  __m256i packed = _mm256_packus_epi32(x, x);
  return _mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08));
}

/* 8 elements of `type`, rounded to nearest, ties to even; NaN stays NaN. */
SKS_INLINE void vec_narrow(void *at, vec x, int32_t type) {
  if (type == SKS_F32) {
    _mm256_storeu_ps(at, x);
  } else if (type == SKS_F16) {
    _mm_storeu_si128(at, _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  } else {
    __m256i bits = _mm256_castps_si256(x), high = _mm256_srli_epi32(bits, 16);
    __m256i odd = _mm256_and_si256(high, _mm256_set1_epi32(1));
    __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
    __m256i nan = _mm256_or_si256(high, _mm256_set1_epi32(0x40));
    __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    _mm_storeu_si128(
        at, vec_low_halves(_mm256_blendv_epi8(_mm256_srli_epi32(rounded, 16), nan, is_nan)));
  }
}

/* The first lane in which x and y are equal; LANES where there is none. */
SKS_INLINE int64_t vec_first_equal(vec x, vec y) {
  return __builtin_ctz((unsigned)_mm256_movemask_ps(_mm256_cmp_ps(x, y, _CMP_EQ_OQ)) | 1u << LANES);
}

/* A vec in double. */
typedef struct wide {
  __m256d low, high;
} wide;

SKS_INLINE wide wide_set(double x) { return (wide){_mm256_set1_pd(x), _mm256_set1_pd(x)}; }
SKS_INLINE wide wide_of(vec x) {
  return (wide){_mm256_cvtps_pd(_mm256_castps256_ps128(x)),
                _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1))};
}
SKS_INLINE vec wide_narrow(wide x) {
  return _mm256_set_m128(_mm256_cvtpd_ps(x.high), _mm256_cvtpd_ps(x.low));
}
SKS_INLINE wide wide_add(wide a, wide b) {
  return (wide){_mm256_add_pd(a.low, b.low), _mm256_add_pd(a.high, b.high)};
}
SKS_INLINE wide wide_mul(wide a, wide b) {
  return (wide){_mm256_mul_pd(a.low, b.low), _mm256_mul_pd(a.high, b.high)};
}
SKS_INLINE wide wide_fma(wide a, wide b, wide c) {
  return (wide){_mm256_fmadd_pd(a.low, b.low, c.low), _mm256_fmadd_pd(a.high, b.high, c.high)};
}
SKS_INLINE double wide_sum(wide x) {
  __m256d s = _mm256_add_pd(x.low, x.high);
  __m128d t = _mm_add_pd(_mm256_castpd256_pd128(s), _mm256_extractf128_pd(s, 1));
  return _mm_cvtsd_f64(_mm_add_sd(t, _mm_unpackhi_pd(t, t)));
}

/* Lane by lane the sums of four vectors: of each 128-bit lane, the sums of a, b, c and d. */
SKS_INLINE vec vec_sums_in_lanes(const vec x[4]) {
  return _mm256_hadd_ps(_mm256_hadd_ps(x[0], x[1]), _mm256_hadd_ps(x[2], x[3]));
}

/* sums[i] is the sum of all lanes of x[i]. */
SKS_INLINE void vec_sum_four(const vec x[4], float sums[4]) {
  vec s = vec_sums_in_lanes(x);
  _mm_storeu_ps(sums, _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1)));
}

/* Lane i of the result is the sum of all lanes of x[i]. */
SKS_INLINE vec vec_sums(const vec x[LANES]) {
  vec a = vec_sums_in_lanes(x), b = vec_sums_in_lanes(x + 4);
  return vec_add(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}

#endif
