#include "cuda/backend/fail.h"

#include "core/fail.h"
#include "cuda/backend/gpu.h"

int32_t sks_gpu_out_of_memory(const sks_gpu *gpu, int64_t bytes, const char *what) {
  size_t available = 0, total = 0;
  cudaGetLastError(); /* or a later call would be told of it again */
  if (cudaMemGetInfo(&available, &total) != cudaSuccess) {
    cudaGetLastError();
    return sks_fail(SKS_OUT_OF_MEMORY, "%s: out of memory for %s", gpu->name, what);
  }
  if (bytes == 0)
    return sks_fail(SKS_OUT_OF_MEMORY, "%s takes more than there is; %s has %zu of %zu bytes free",
                    what, gpu->name, available, total);
  return sks_fail(SKS_OUT_OF_MEMORY, "%s takes %lld bytes; %s has %zu of %zu free", what,
                  (long long)bytes, gpu->name, available, total);
}

int32_t sks_gpu_check(const sks_gpu *gpu, cudaError_t error, const char *what) {
  if (error == cudaSuccess) return SKS_OK;
  if (error == cudaErrorMemoryAllocation) return sks_gpu_out_of_memory(gpu, 0, what);
  cudaGetLastError(); /* or a later call would be told of it again */
  return sks_fail(SKS_FAULT, "%s: %s: %s", gpu->name, what, cudaGetErrorString(error));
}

int32_t sks_gpu_require_running(const sks_gpu *gpu, const char *what) {
  if (!gpu->recording) return SKS_OK;
  return sks_fail(SKS_IMPOSSIBLE, "%s cannot be recorded", what);
}
