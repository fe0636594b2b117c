#include "cuda/backend/rounded.h"

#include "cuda/backend/gpu.h"

void sks_gpu_keep_rounded(sks_gpu *gpu, const float *values, int32_t rows, int64_t columns,
                          sks_cuda_rounded rounded) {
  if (rounded.rows == NULL) return;
  gpu->kept = (sks_gpu_kept){gpu->operation, values, rows, columns, rounded};
}

sks_cuda_rounded sks_gpu_kept_rounded(const sks_gpu *gpu, const float *values, int32_t rows,
                                      int64_t columns, int32_t type) {
  const sks_gpu_kept *kept = &gpu->kept;
  bool found = kept->operation + 1 == gpu->operation && kept->values == values &&
               kept->rows == rows && kept->columns == columns && kept->rounded.type == type;
  return found ? kept->rounded : (sks_cuda_rounded){0};
}
