#include "cuda/kernels/read.h"

#include "cuda/backend/gpu.h"
#include "cuda/backend/table.h"

int32_t sks_gpu_buffer_read(sks_device *device, const void *buffer, int64_t bytes, uint64_t *sum) {
  sks_gpu *gpu = sks_gpu_enter(device);
  int32_t status = sks_gpu_results(gpu, sizeof *sum);
  if (status != SKS_OK) return sks_gpu_leave_with(gpu, status);
  cudaError_t error = sks_cuda_read(gpu->stream, buffer, bytes, gpu->results.memory);
  status = sks_gpu_fetch(gpu, error, sizeof *sum, "a read");
  *sum = *(const uint64_t *)gpu->host_results;
  return sks_gpu_leave_with(gpu, status);
}
