/* Sixteen bytes, for the instruction sets of x86. */
#ifndef SINKSTREAM_KERNELS_SIMD_BYTES_X86_H
#define SINKSTREAM_KERNELS_SIMD_BYTES_X86_H

#include <immintrin.h>

#include "kernels/simd/inline.h"

/* Shifts move bits between neighbours, which a mask takes away. */
typedef __m128i bytes;
SKS_INLINE bytes bytes_load(const void *at) { return _mm_loadu_si128(at); }
SKS_INLINE bytes bytes_set(int x) { return _mm_set1_epi8((char)x); }
SKS_INLINE bytes bytes_and(bytes a, bytes b) { return _mm_and_si128(a, b); }
SKS_INLINE bytes bytes_or(bytes a, bytes b) { return _mm_or_si128(a, b); }
SKS_INLINE bytes bytes_xor(bytes a, bytes b) { return _mm_xor_si128(a, b); }
SKS_INLINE bytes bytes_shift(bytes x, int right) {
  return right >= 0 ? (bytes)((__v8hu)x >> right) : (bytes)((__v8hu)x << -right);
}

#endif
