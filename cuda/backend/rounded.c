#include "cuda/backend/rounded.h"

#include "cuda/backend/gpu.h"

void sks_gpu_leave_rounded(sks_gpu *gpu, const float *values, int32_t rows, int64_t columns,
                           sks_cuda_rounded rounded) {
  if (rounded.rows == NULL) return;
  gpu->left = (sks_gpu_left){gpu->operation, values, rows, columns, rounded};
}

sks_cuda_rounded sks_gpu_find_rounded(const sks_gpu *gpu, const float *values, int32_t rows,
                                      int64_t columns, int32_t type) {
  const sks_gpu_left *left = &gpu->left;
  bool found = left->operation + 1 == gpu->operation && left->values == values &&
               left->rows == rows && left->columns == columns && left->rounded.type == type;
  return found ? left->rounded : (sks_cuda_rounded){0};
}
