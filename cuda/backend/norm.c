#include "cuda/kernels/norm.h"

#include "cuda/backend/gpu.h"
#include "cuda/backend/table.h"

int32_t sks_gpu_normalize(sks_device *device, const sks_norm *norm, const float *x, int32_t rows,
                          int32_t columns, float *y) {
  sks_gpu *gpu = sks_gpu_enter(device);
  return sks_gpu_leave(gpu, sks_cuda_normalize(gpu->stream, norm, x, rows, columns, y),
                       "sks_normalize");
}
