/* Results that are there once more for the operation that follows. All between enter and leave
 * (gpu.h). */
#ifndef SINKSTREAM_CUDA_BACKEND_ROUNDED_H
#define SINKSTREAM_CUDA_BACKEND_ROUNDED_H

#include <stdint.h>

#include "cuda/kernels/rounded.h"

typedef struct sks_gpu sks_gpu;

/* What an operation has left once more in 16 bits, for a linear layer that is the next one. */
typedef struct sks_gpu_kept {
  uint64_t operation;  /* its number */
  const float *values; /* [rows, columns] */
  int32_t rows;
  int64_t columns;
  sks_cuda_rounded rounded;
} sks_gpu_kept;

/* Keeps in mind that the present operation, whose launches have been taken, has left [rows,
 * columns] of `values` once more; nothing, if rounded.rows is NULL. */
void sks_gpu_keep_rounded(sks_gpu *gpu, const float *values, int32_t rows, int64_t columns,
                          sks_cuda_rounded rounded);

/* What the operation before this one has left of them, of that type; rows: NULL if nothing. */
sks_cuda_rounded sks_gpu_kept_rounded(const sks_gpu *gpu, const float *values, int32_t rows,
                                      int64_t columns, int32_t type);

#endif
