#include "cuda/backend/cache.h"

#include "core/memory.h"
#include "cuda/backend/attention.h"
#include "cuda/backend/gpu.h"
#include "cuda/backend/table.h"
#include "cuda/kernels/cache_rows.h"

sks_cuda_cache sks_gpu_cache_of(const sks_cache *cache) {
  const sks_gpu_cache *own = cache->own;
  return (sks_cuda_cache){.ring = cache->ring,
                          .base = own->base,
                          .layer_bytes = own->layer_bytes,
                          .slots = cache->slots};
}

int64_t sks_gpu_cache_row_bytes(int32_t type, int64_t head_dim) {
  return sks_cuda_row_pitch(type, head_dim);
}

static int64_t layer_bytes_of(const sks_cache *cache, int64_t slots) {
  const sks_attention *attention = cache->attention;
  return sks_cuda_layer_bytes(cache->type, attention->head_dim, attention->kv_heads, slots);
}

int32_t sks_gpu_cache_allocate(sks_cache *cache, int64_t slots, int64_t bytes) {
  sks_gpu_cache *made = sks_memory_allocate(sizeof *made, "a cache");
  if (made == NULL) return SKS_OUT_OF_MEMORY;
  sks_gpu *gpu = sks_gpu_enter(cache->attention->device);
  made->layer_bytes = layer_bytes_of(cache, slots);
  int32_t status = sks_gpu_allocate(gpu, bytes, "a cache", (void **)&made->base);
  if (status == SKS_OK)
    cache->own = made;
  else
    sks_memory_free(made);
  return sks_gpu_leave_with(gpu, status);
}

void sks_gpu_cache_free(sks_cache *cache) {
  sks_gpu_cache *own = cache->own;
  sks_gpu *gpu = sks_gpu_enter(cache->attention->device);
  sks_gpu_free(gpu, own->base);
  sks_gpu_leave_silently(gpu);
  sks_memory_free(own);
}

int32_t sks_gpu_cache_grow(sks_cache *cache, int64_t slots) {
  const sks_attention *attention = cache->attention;
  sks_gpu *gpu = sks_gpu_enter(attention->device);
  int64_t layer_bytes = layer_bytes_of(cache, slots);
  void *base;
  int32_t status =
      sks_gpu_allocate(gpu, attention->layers * layer_bytes, "a dense cache's growth", &base);
  if (status != SKS_OK) return sks_gpu_leave_with(gpu, status);
  sks_cuda_attention shape = sks_gpu_attention_of(attention, cache->type);
  sks_gpu_cache *own = cache->own;
  sks_cuda_cache before = sks_gpu_cache_of(cache), after = before;
  after.base = base;
  after.layer_bytes = layer_bytes;
  after.slots = slots;
  status = sks_gpu_check(gpu,
                         sks_cuda_cache_grow(gpu->stream, &shape, &after, attention->layers,
                                             before.base, before.slots),
                         "a dense cache's growth");
  sks_gpu_free(gpu, status == SKS_OK ? own->base : base);
  if (status == SKS_OK) *own = (sks_gpu_cache){.base = base, .layer_bytes = layer_bytes};
  return sks_gpu_leave_with(gpu, status);
}

int32_t sks_gpu_cache_move(sks_cache *cache, int64_t from, int64_t end, int64_t distance) {
  sks_gpu *gpu = sks_gpu_enter(cache->attention->device);
  sks_cuda_attention shape = sks_gpu_attention_of(cache->attention, cache->type);
  sks_cuda_cache rows = sks_gpu_cache_of(cache);
  return sks_gpu_leave(gpu,
                       sks_cuda_cache_move(gpu->stream, &shape, &rows, cache->attention->layers,
                                           from, end, distance),
                       "sks_cache_evict");
}

static int64_t packed_bytes(const sks_cache *cache, const sks_span spans[SKS_SPANS]) {
  int64_t rows = 0;
  for (int i = 0; i < SKS_SPANS; i++) rows += spans[i].count;
  return 2 * rows * cache->attention->kv_heads *
         sks_kv_row_bytes(cache->type, cache->attention->head_dim);
}

/* Layer by layer through memory of the device. */
static int32_t copy_rows(const sks_cache *cache, const sks_span spans[SKS_SPANS], char *packed,
                         bool import) {
  sks_gpu *gpu = sks_gpu_enter(cache->attention->device);
  int64_t bytes = packed_bytes(cache, spans);
  void *stage;
  int32_t status = sks_gpu_allocate(gpu, bytes, "room for a layer's state", &stage);
  if (status != SKS_OK) return sks_gpu_leave_with(gpu, status);
  sks_cuda_attention shape = sks_gpu_attention_of(cache->attention, cache->type);
  sks_cuda_cache rows = sks_gpu_cache_of(cache);
  cudaError_t error = cudaSuccess;
  for (int32_t layer = 0; layer < cache->attention->layers && error == cudaSuccess && bytes > 0;
       layer++, packed += bytes) {
    if (import) {
      error = cudaMemcpyAsync(stage, packed, (size_t)bytes, cudaMemcpyHostToDevice, gpu->stream);
      if (error == cudaSuccess)
        error = sks_cuda_cache_import(gpu->stream, &shape, &rows, layer, spans, stage);
    } else {
      error = sks_cuda_cache_export(gpu->stream, &shape, &rows, layer, spans, stage);
      if (error == cudaSuccess)
        error = cudaMemcpyAsync(packed, stage, (size_t)bytes, cudaMemcpyDeviceToHost, gpu->stream);
    }
  }
  if (error == cudaSuccess) error = cudaStreamSynchronize(gpu->stream);
  sks_gpu_free(gpu, stage);
  return sks_gpu_leave(gpu, error, "a cache's state");
}

int32_t sks_gpu_cache_pack(const sks_cache *cache, const sks_span spans[SKS_SPANS], char *packed) {
  return copy_rows(cache, spans, packed, false);
}

int32_t sks_gpu_cache_unpack(sks_cache *cache, const sks_span spans[SKS_SPANS],
                             const char *packed) {
  return copy_rows(cache, spans, (char *)packed, true);
}
