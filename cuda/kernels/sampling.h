/* What becomes of logits; see sinkstream/sampling.h for what each result is. */
#ifndef SINKSTREAM_CUDA_KERNELS_SAMPLING_H
#define SINKSTREAM_CUDA_KERNELS_SAMPLING_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* index [rows] in device memory. */
cudaError_t sks_cuda_argmax(cudaStream_t stream, const float *logits, int32_t rows, int32_t count,
                            int32_t *index, bool overlap);

/* Most values that sks_cuda_top_k finds. */
enum { SKS_CUDA_MOST_K = 1024 };

/* 1 <= k <= SKS_CUDA_MOST_K; indices [k], values [k]. */
cudaError_t sks_cuda_top_k(cudaStream_t stream, const float *logits, int32_t count, int32_t k,
                           int32_t *indices, float *values);

/* targets [rows], loss [rows]. A target outside 0..count-1 gives NaN. */
cudaError_t sks_cuda_nll(cudaStream_t stream, const float *logits, int32_t rows, int32_t count,
                         const int32_t *targets, double *loss);

#ifdef __cplusplus
}
#endif

#endif
