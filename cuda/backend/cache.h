#ifndef SINKSTREAM_CUDA_BACKEND_CACHE_H
#define SINKSTREAM_CUDA_BACKEND_CACHE_H

#include "core/cache.h"
#include "cuda/kernels/cache.h"

/* What a GPU has of a cache: all layers in one piece. */
typedef struct sks_gpu_cache {
  char *base;
  int64_t layer_bytes;
} sks_gpu_cache;

/* A cache as kernels take it. */
sks_cuda_cache sks_gpu_cache_of(const sks_cache *cache);

#endif
