/* What becomes of logits; see sinkstream/sampling.h for what each result is. */
#ifndef SINKSTREAM_CUDA_KERNELS_SAMPLING_H
#define SINKSTREAM_CUDA_KERNELS_SAMPLING_H

#include <cuda_runtime_api.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "sinkstream/choice.h"

enum {
  SKS_CUDA_MOST_K = 1024,         /* most values that sks_cuda_top_k finds */
  SKS_CUDA_TOP_SCRATCH = 16 << 10 /* bytes for each row */
};

/* Indices that count as smaller than all else. */
typedef struct sks_cuda_banned {
  int32_t count; /* 0 to SKS_MOST_BANNED */
  int32_t indices[SKS_MOST_BANNED];
} sks_cuda_banned;

/* Where the largest go: memory that the device may write, the host's among it. */
typedef struct sks_cuda_top {
  int32_t *indices; /* [rows, k] */
  float *values;    /* [rows, k] */
  int32_t *ids;     /* [rows, k] once more, for kernels to come; may be NULL */
  /* Becomes `serial` after all else, so that whoever sees that sees the rest. */
  uint32_t *answered;
  uint32_t serial;
} sks_cuda_top;

/* 1 <= k <= SKS_CUDA_MOST_K, rows at least 1; `banned` for k = 1 alone, fewer than count, may be
 * NULL. `scratch` [rows, SKS_CUDA_TOP_SCRATCH] in device memory, zeros before its first use; one at
 * a time. */
cudaError_t sks_cuda_top_k(cudaStream_t stream, const float *logits, int32_t rows, int32_t count,
                           int32_t k, const sks_cuda_banned *banned, void *scratch,
                           const sks_cuda_top *to);

/* targets [rows], loss [rows]. A target outside 0..count-1 gives NaN. */
cudaError_t sks_cuda_nll(cudaStream_t stream, const float *logits, int32_t rows, int32_t count,
                         const int32_t *targets, double *loss);

#ifdef __cplusplus
}
#endif

#endif
