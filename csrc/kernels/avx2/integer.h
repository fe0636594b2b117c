/* Whole numbers in the vocabulary of csrc/kernels/simd: as many of 32 bits as a vec has lanes. */
#ifndef SINKSTREAM_KERNELS_AVX2_INTEGER_H
#define SINKSTREAM_KERNELS_AVX2_INTEGER_H

#include "kernels/avx2/vector.h"

typedef __m256i ivec;

/* Once and in the order written: memory comes slower where lines are read again or out of turn. */
SKS_INLINE ivec ivec_load(const void *at) {
  ivec x = _mm256_loadu_si256(at);
  __asm__ volatile("" : "+x"(x));
  return x;
}

SKS_INLINE ivec ivec_set(int32_t x) { return _mm256_set1_epi32(x); }
SKS_INLINE ivec ivec_bytes(int x) { return _mm256_set1_epi8((char)x); }
SKS_INLINE ivec ivec_add(ivec a, ivec b) { return _mm256_add_epi32(a, b); }
SKS_INLINE ivec ivec_sub(ivec a, ivec b) { return _mm256_sub_epi32(a, b); }
SKS_INLINE ivec ivec_and(ivec a, ivec b) { return _mm256_and_si256(a, b); }
SKS_INLINE ivec ivec_or(ivec a, ivec b) { return _mm256_or_si256(a, b); }
SKS_INLINE ivec ivec_shift_left(ivec x, int bits) { return _mm256_slli_epi32(x, bits); }
SKS_INLINE ivec ivec_shift_right(ivec x, int bits) { return _mm256_srli_epi32(x, bits); }

SKS_INLINE vec vec_of_ints(ivec x) { return _mm256_cvtepi32_ps(x); }
SKS_INLINE vec vec_of_bytes(const void *at) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(at)));
}
SKS_INLINE vec vec_of_signed_bytes(const void *at) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(at)));
}

/* x[0..3] in each lane. */
SKS_INLINE ivec ivec_four_bytes(const int8_t *x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  return _mm256_set1_epi32(four);
}

/* sum + the four products of each lane's bytes, below 128, with x. */
SKS_INLINE ivec ivec_dot(ivec sum, ivec w, ivec x) {
  __m256i pairs = _mm256_maddubs_epi16(w, x);
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

/* The same for any bytes, counted from 128: signs change sides, or sums of pairs would saturate. */
enum { IVEC_DOT_IS_SIGNED = 1 };
SKS_INLINE ivec ivec_dot_wide(ivec sum, ivec w, ivec x) {
  __m256i from_zero = _mm256_xor_si256(w, _mm256_set1_epi8((char)0x80));
  __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(from_zero), _mm256_sign_epi8(x, from_zero));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

/* What the registers hold of a linear layer at a time: of the channels, of the rows. */
enum { PANEL_TILE_VECTORS = 2, PANEL_TILE_ROWS = 4 };

/* sum + both products of each lane's pair of bf16 with values[0..1]. */
SKS_INLINE vec vec_dot_pairs(vec sum, const void *pairs, const uint16_t *values) {
  __m256i w = _mm256_loadu_si256(pairs);
  __m256 low = _mm256_castsi256_ps(_mm256_slli_epi32(w, 16));
  __m256 high = _mm256_castsi256_ps(_mm256_and_si256(w, _mm256_set1_epi32((int)0xffff0000)));
  __m256 first = _mm256_castsi256_ps(_mm256_set1_epi32((int)((uint32_t)values[0] << 16)));
  __m256 second = _mm256_castsi256_ps(_mm256_set1_epi32((int)((uint32_t)values[1] << 16)));
  return _mm256_fmadd_ps(high, second, _mm256_fmadd_ps(low, first, sum));
}

#endif
