#ifndef SINKSTREAM_CUDA_BACKEND_ATTENTION_H
#define SINKSTREAM_CUDA_BACKEND_ATTENTION_H

#include "core/attention.h"
#include "cuda/kernels/cache.h"

/* The attention as kernels take it, for caches of this type. */
sks_cuda_attention sks_gpu_attention_of(const sks_attention *attention, int32_t type);

#endif
