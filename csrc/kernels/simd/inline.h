#ifndef SINKSTREAM_KERNELS_SIMD_INLINE_H
#define SINKSTREAM_KERNELS_SIMD_INLINE_H

/* Inlined always, so that what a caller passes as a constant is one inside. */
#define SKS_INLINE static inline __attribute__((always_inline))

#endif
