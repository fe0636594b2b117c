/* Operations that need no more than an element, or a row of a table. */
#ifndef SINKSTREAM_CUDA_KERNELS_ELEMENT_H
#define SINKSTREAM_CUDA_KERNELS_ELEMENT_H

#include <cuda_runtime_api.h>

#include "cuda/kernels/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* x = min(max(x, -limit), limit) in place; a NaN stays. */
cudaError_t sks_cuda_clamp(cudaStream_t stream, float *x, int64_t count, float limit);

/*
 * y[r, :] = row ids[r] of the table, widened; ids [rows] in device memory. An id outside the table
 * makes a row of NaN: who knows the ids checks them before. Launched in order always: it opens a
 * step, and what comes after it may start early and read what came before it.
 */
cudaError_t sks_cuda_embed(cudaStream_t stream, const sks_cuda_matrix *table, const int32_t *ids,
                           int32_t rows, float *y);

#ifdef __cplusplus
}
#endif

#endif
