#ifndef SINKSTREAM_KERNELS_SIMD_INLINE_H
#define SINKSTREAM_KERNELS_SIMD_INLINE_H

/* Inlined always, so that what a caller passes as a constant is one inside. */
#define SKS_INLINE static inline __attribute__((always_inline))

/* How often loops over registers are unrolled; sanitizers take minutes to instrument what that
 * makes. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SKS_UNROLL = 1 };
#else
enum { SKS_UNROLL = 16 };
#endif

#endif
