// What the runtime does not have: the driver's own functions.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_DRIVER_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_DRIVER_CUH

#include <cuda.h>
#include <cuda_runtime.h>

// The function of that name as `version` of CUDA has it. cudaErrorNotSupported: the driver is
// older.
template <typename function>
static inline cudaError_t sks_driver_function(const char *name, unsigned version,
                                              function **found) {
  cudaDriverEntryPointQueryResult result;
  void *entry = nullptr;
  cudaError_t error =
      cudaGetDriverEntryPointByVersion(name, &entry, version, cudaEnableDefault, &result);
  if (error != cudaSuccess) return error;
  if (result != cudaDriverEntryPointSuccess) return cudaErrorNotSupported;
  *found = reinterpret_cast<function *>(entry);
  return cudaSuccess;
}

#endif
