// Why there is no GPU, for tests and benchmarks.
#ifndef SINKSTREAM_CUDA_TESTS_SUPPORT_NO_GPU_HPP
#define SINKSTREAM_CUDA_TESTS_SUPPORT_NO_GPU_HPP

#include <cuda_runtime.h>

// NULL where there is one.
static inline const char *why_no_gpu() {
  int count = 0, driver = 0;
  cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count > 0) return nullptr;
  // Too old a driver and none are one error.
  if (cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0)
    return "there is no NVIDIA driver on this machine";
  return error == cudaSuccess ? "the NVIDIA driver sees no GPU" : cudaGetErrorString(error);
}

#endif
