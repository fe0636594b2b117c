/* Rows of a cache for states and eviction by range. */
#ifndef SINKSTREAM_CUDA_KERNELS_CACHE_ROWS_H
#define SINKSTREAM_CUDA_KERNELS_CACHE_ROWS_H

#include <cuda_runtime_api.h>

#include "cuda/kernels/cache.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Copies the rows of `count` tokens in three spans between one layer of a cache and `packed`, in
 * device memory, as states hold them (ops/cache_state.c): keys, then values, by KV head, by token;
 * a row is its elements, then its scales. `cache` is read on the host.
 */
cudaError_t sks_cuda_cache_export(cudaStream_t stream, const sks_cuda_attention *attention,
                                  const sks_cuda_cache *cache, int32_t layer,
                                  const sks_span spans[SKS_SPANS], void *packed);
cudaError_t sks_cuda_cache_import(cudaStream_t stream, const sks_cuda_attention *attention,
                                  const sks_cuda_cache *cache, int32_t layer,
                                  const sks_span spans[SKS_SPANS], const void *packed);

/*
 * The rows of tokens [from, end) of all layers become those of the tokens `distance` before them,
 * keys turned back by as many tokens and rounded once more. `cache` is read on the host.
 */
cudaError_t sks_cuda_cache_move(cudaStream_t stream, const sks_cuda_attention *attention,
                                const sks_cuda_cache *cache, int32_t layers, int64_t from,
                                int64_t end, int64_t distance);

/* A dense cache's growth: layers of `slots` slots at `base` become those of `cache`, which is read
 * on the host. */
cudaError_t sks_cuda_cache_grow(cudaStream_t stream, const sks_cuda_attention *attention,
                                const sks_cuda_cache *cache, int32_t layers, char *base,
                                int64_t slots);

#ifdef __cplusplus
}
#endif

#endif
