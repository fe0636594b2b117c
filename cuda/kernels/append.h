/* Rotates, rounds and stores the new keys and values of one layer: as sks_append
 * (sinkstream/attention.h), with device memory. */
#ifndef SINKSTREAM_CUDA_KERNELS_APPEND_H
#define SINKSTREAM_CUDA_KERNELS_APPEND_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

#include "cuda/kernels/cache.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The rows that a step brings. Channel c of KV head g of row r is at [r * row_stride + g *
 * head_stride + c]. */
typedef struct sks_cuda_new_rows {
  const float *keys, *values;
  int64_t row_stride, head_stride;
} sks_cuda_new_rows;

cudaError_t sks_cuda_append(cudaStream_t stream, const sks_cuda_attention *attention,
                            const sks_cuda_step *step, int32_t layer, const sks_cuda_new_rows *rows,
                            bool overlap);

#ifdef __cplusplus
}
#endif

#endif
