/* Normalisation of each row of x [rows, columns] into y; see sinkstream/norm.h. Statistics in
 * float32, summed over the threads of a block. */
#ifndef SINKSTREAM_CUDA_KERNELS_NORM_H
#define SINKSTREAM_CUDA_KERNELS_NORM_H

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "sinkstream/norm.h"

/* The same memory for x and y is allowed. */
cudaError_t sks_cuda_normalize(cudaStream_t stream, const sks_norm *norm, const float *x,
                               int32_t rows, int64_t columns, float *y);

#ifdef __cplusplus
}
#endif

#endif
