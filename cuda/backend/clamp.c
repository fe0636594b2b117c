#include "cuda/backend/gpu.h"
#include "cuda/backend/table.h"
#include "cuda/kernels/element.h"

int32_t sks_gpu_clamp(sks_device *device, float *x, int64_t count, float limit) {
  sks_gpu *gpu = sks_gpu_enter(device);
  return sks_gpu_leave(gpu, sks_cuda_clamp(gpu->stream, x, count, limit), "sks_clamp");
}
