// Activation functions, as the reference kernels have them (csrc/kernels/reference/activation.c).
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_ACTIVATION_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_ACTIVATION_CUH

#include "cuda/kernels/device/element.cuh"
#include "sinkstream/linear.h"

// What few models need is not in line: a kernel's instructions come from memory, too.
__device__ static inline float sks_silu(float x) { return x * sks_reciprocal(1.0f + expf(-x)); }

__device__ static __noinline__ float sks_gelu_exact(float x) {
  return 0.5f * x * erfcf(-x * 0.70710678118654752f);
}

// 0.5 (1 + tanh(u)) is 1 / (1 + e^(-2 u)), which does not cancel.
__device__ static __noinline__ float sks_gelu_tanh(float x) {
  float u = 0.79788456080286536f * (x + 0.044715f * x * x * x);
  return x / (1.0f + expf(-2.0f * u));
}

// y after z came to it; not for SKS_SILU_GATE.
__device__ static inline float sks_output_of(int output, float z, const float *y) {
  switch (output) {
    case SKS_ADD:
      return *y + z;
    case SKS_GELU_EXACT:
      return sks_gelu_exact(z);
    case SKS_GELU_TANH:
      return sks_gelu_tanh(z);
    default:
      return z;
  }
}

#endif
