// Floats rounded to the 16 bits that products take: SKS_F16 or SKS_BF16.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_ROUND_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_ROUND_CUH

#include "cuda/kernels/device/element.cuh"
#include "cuda/kernels/rounded.h"
#include "sinkstream/types.h"

// f16 has no number above 65504: larger ones become that, so that no infinity is born here. A NaN
// stays one.
template <int type>
__device__ static inline uint16_t sks_round_to(float x) {
  if (type == SKS_BF16) return sks_narrow_bfloat(x);
  return sks_narrow_half(x > 65504.0f ? 65504.0f : x < -65504.0f ? -65504.0f : x);
}

template <int type>
__device__ static inline ushort4 sks_round_four(float4 x) {
  return make_ushort4(sks_round_to<type>(x.x), sks_round_to<type>(x.y), sks_round_to<type>(x.z),
                      sks_round_to<type>(x.w));
}

__device__ static inline void sks_put_rounded(const sks_cuda_rounded &to, int64_t row,
                                              int64_t column, float x) {
  static_cast<uint16_t *>(to.rows)[row * to.stride + column] =
      to.type == SKS_F16 ? sks_round_to<SKS_F16>(x) : sks_round_to<SKS_BF16>(x);
}

#endif
