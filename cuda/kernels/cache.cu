#include "cuda/kernels/cache.h"
#include "cuda/kernels/device/launch.cuh"

namespace {

enum { BEGIN_THREADS = 128, ADVANCE_THREADS = 256 };

// A block for each row: its token, and its phases in double.
__global__ void begin(sks_cuda_attention attention, sks_cuda_step step) {
  int64_t row = blockIdx.x;
  sks_cuda_row entry = step.rows[row];
  if (entry.cache < 0) {
    if (threadIdx.x == 0) step.tokens[row].slot = -1;
    return;
  }
  const sks_cuda_cache &cache = step.caches[entry.cache];
  sks_view view = sks_view_of(&cache.ring, cache.position + entry.offset);
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
  for (int i = static_cast<int>(threadIdx.x); i < 2 * half; i += BEGIN_THREADS) {
    double cosine, sine;
    bool query = i >= half;
    int pair = query ? i - half : i;
    sks_phase(attention.turns[pair], query ? view.query : view.position, &cosine, &sine);
    phases[(query ? 2 : 0) * half + pair] = static_cast<float>(cosine);
    phases[(query ? 3 : 1) * half + pair] = static_cast<float>(sine);
  }
}

__global__ void advance(sks_cuda_step step) {
  int row = static_cast<int>(blockIdx.x * ADVANCE_THREADS + threadIdx.x);
  if (row >= step.row_count) return;
  sks_cuda_row entry = step.rows[row];
  if (entry.cache >= 0 && entry.advance > 0) step.caches[entry.cache].position += entry.advance;
}

}  // namespace

cudaError_t sks_cuda_step_begin(cudaStream_t stream, const sks_cuda_attention *attention,
                                const sks_cuda_step *step) {
  return sks_launch(begin, dim3(static_cast<unsigned>(step->row_count)), BEGIN_THREADS, 0, stream,
                    false, *attention, *step);
}

cudaError_t sks_cuda_step_advance(cudaStream_t stream, const sks_cuda_step *step) {
  int blocks = (step->row_count + ADVANCE_THREADS - 1) / ADVANCE_THREADS;
  return sks_launch(advance, dim3(static_cast<unsigned>(blocks)), ADVANCE_THREADS, 0, stream, false,
                    *step);
}
