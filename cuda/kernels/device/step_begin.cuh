// What a step knows of one of its rows (cuda/kernels/cache.h).
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_STEP_BEGIN_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_STEP_BEGIN_CUH

#include "cuda/kernels/cache.h"

enum { SKS_STEP_BEGIN_THREADS = 128 };

// By a block: the row's token, and its phases in double.
__device__ static inline void sks_step_begin_row(const sks_cuda_attention &attention,
                                                 const sks_cuda_step &step, int64_t row) {
  sks_cuda_row entry = step.rows[row];
  if (entry.cache < 0) {
    if (threadIdx.x == 0) step.tokens[row].slot = -1;
    return;
  }
  const sks_cuda_cache &cache = step.caches[entry.cache];
  sks_view view = sks_view_of(&cache.ring, step.positions[entry.cache] + entry.offset);
  if (threadIdx.x == 0) {
    sks_cuda_token &token = step.tokens[row];
    token.slot = sks_slot_of(&cache.ring, view.position);
    token.view = view;
    token.keys = sks_spans_between(&cache.ring, view, view, token.spans);
    token.base = cache.base;
    token.layer_bytes = cache.layer_bytes;
    token.slots = cache.slots;
  }
  int half = attention.rotary_half;
  float *phases = step.phases + row * 4 * half;
  for (int i = static_cast<int>(threadIdx.x); i < 2 * half; i += SKS_STEP_BEGIN_THREADS) {
    double cosine, sine;
    bool query = i >= half;
    int pair = query ? i - half : i;
    sks_phase(attention.turns[pair], query ? view.query : view.position, &cosine, &sine);
    phases[(query ? 2 : 0) * half + pair] = static_cast<float>(cosine);
    phases[(query ? 3 : 1) * half + pair] = static_cast<float>(sine);
  }
}

#endif
