/* Whole numbers in the vocabulary of csrc/kernels/simd: as many of 32 bits as a vec has lanes. */
#ifndef SINKSTREAM_KERNELS_AVX512_VNNI_INTEGER_H
#define SINKSTREAM_KERNELS_AVX512_VNNI_INTEGER_H

#include <string.h>

#include "kernels/avx512/vector.h"

typedef __m512i ivec;

/* Once and in the order written: memory comes slower where lines are read again or out of turn. */
SKS_INLINE ivec ivec_load(const void *at) {
  ivec x = _mm512_loadu_si512(at);
  __asm__ volatile("" : "+v"(x));
  return x;
}

SKS_INLINE ivec ivec_set(int32_t x) { return _mm512_set1_epi32(x); }
SKS_INLINE ivec ivec_bytes(int x) { return _mm512_set1_epi8((char)x); }
SKS_INLINE ivec ivec_add(ivec a, ivec b) { return _mm512_add_epi32(a, b); }
SKS_INLINE ivec ivec_sub(ivec a, ivec b) { return _mm512_sub_epi32(a, b); }
SKS_INLINE ivec ivec_and(ivec a, ivec b) { return _mm512_and_si512(a, b); }
SKS_INLINE ivec ivec_or(ivec a, ivec b) { return _mm512_or_si512(a, b); }
SKS_INLINE ivec ivec_shift_left(ivec x, int bits) { return (ivec)((__v16su)x << bits); }
SKS_INLINE ivec ivec_shift_right(ivec x, int bits) { return (ivec)((__v16su)x >> bits); }

SKS_INLINE vec vec_of_ints(ivec x) { return _mm512_cvtepi32_ps(x); }
SKS_INLINE vec vec_of_bytes(const void *at) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(at)));
}
SKS_INLINE vec vec_of_signed_bytes(const void *at) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(at)));
}

/* x[0..3] in each lane. */
SKS_INLINE ivec ivec_four_bytes(const int8_t *x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  return _mm512_set1_epi32(four);
}

/* sum + the four products of each lane's bytes with x. */
SKS_INLINE ivec ivec_dot(ivec sum, ivec w, ivec x) { return _mm512_dpbusd_epi32(sum, w, x); }

enum { IVEC_DOT_IS_SIGNED = 0 };
SKS_INLINE ivec ivec_dot_wide(ivec sum, ivec w, ivec x) { return ivec_dot(sum, w, x); }

/* What the registers hold of a linear layer at a time: of the channels, of the rows. */
enum { PANEL_TILE_VECTORS = 2, PANEL_TILE_ROWS = 4 };

#endif
