/* Vectors of a row whose length is no multiple of LANES. Include after an instruction set's
 * vector.h. */
#ifndef SINKSTREAM_KERNELS_SIMD_ELEMENTS_H
#define SINKSTREAM_KERNELS_SIMD_ELEMENTS_H

/* The vector at `at`, of whose elements `left` are there; `fill` in place of the others. */
SKS_INLINE vec load_left(const float *at, int64_t left, float fill) {
  return left >= LANES ? vec_load(at) : vec_load_part(at, left, fill);
}

SKS_INLINE void store_left(float *at, vec x, int64_t left) {
  if (left >= LANES) {
    vec_store(at, x);
  } else {
    vec_store_part(at, x, left);
  }
}

#endif
