#include "cuda/backend/attention.h"

#include "cuda/backend/gpu.h"
#include "cuda/backend/table.h"

/* `own` of an attention is device memory: its turns, then its slopes. */
int32_t sks_gpu_attention_create(sks_attention *attention) {
  sks_gpu *gpu = sks_gpu_enter(attention->device);
  size_t turns = (size_t)attention->rotary_half * sizeof(sks_turns),
         slopes = attention->slopes ? (size_t)attention->heads * sizeof(float) : 0;
  int32_t status =
      sks_gpu_allocate(gpu, (int64_t)(turns + slopes), "an attention", &attention->own);
  if (status != SKS_OK) return sks_gpu_leave_with(gpu, status);
  char *own = attention->own;
  cudaError_t error =
      cudaMemcpyAsync(own, attention->turns, turns, cudaMemcpyHostToDevice, gpu->stream);
  if (error == cudaSuccess && slopes > 0)
    error = cudaMemcpyAsync(own + turns, attention->slopes, slopes, cudaMemcpyHostToDevice,
                            gpu->stream);
  if (error != cudaSuccess) sks_gpu_free(gpu, own);
  return sks_gpu_leave(gpu, error, "an attention");
}

void sks_gpu_attention_destroy(sks_attention *attention) {
  sks_gpu *gpu = sks_gpu_enter(attention->device);
  sks_gpu_free(gpu, attention->own);
  sks_gpu_leave_silently(gpu);
}

sks_cuda_attention sks_gpu_attention_of(const sks_attention *attention, int32_t type) {
  const sks_turns *turns = attention->own;
  return (sks_cuda_attention){
      .heads = attention->heads,
      .kv_heads = attention->kv_heads,
      .head_dim = attention->head_dim,
      .rotary_half = attention->rotary_half,
      .rotary_layout = attention->rotary_layout,
      .type = type,
      .scale = attention->scale,
      .turns = turns,
      .slopes = attention->slopes ? (const float *)(turns + attention->rotary_half) : NULL};
}
