#include "cuda/backend/gpu.h"
#include "cuda/backend/table.h"
#include "cuda/backend/weights.h"
#include "cuda/kernels/element.h"

int32_t sks_gpu_embed(sks_device *device, const sks_weights *table, const int32_t *ids,
                      int32_t rows, float *y) {
  sks_gpu *gpu = sks_gpu_enter(device);
  return sks_gpu_leave(gpu,
                       sks_cuda_embed(gpu->stream, &sks_gpu_matrix_of(table)->matrix, ids, rows, y),
                       "sks_embed");
}
