#include "core/memory.h"

#include "cuda/backend/gpu.h"

int32_t sks_gpu_pinned(const sks_gpu *gpu, int64_t bytes, const char *what, void **memory) {
  cudaError_t error = cudaHostAlloc(memory, (size_t)bytes, cudaHostAllocMapped);
  if (error != cudaErrorMemoryAllocation) return sks_gpu_check(gpu, error, what);
  cudaGetLastError();
  return sks_fail(SKS_OUT_OF_MEMORY,
                  "%s takes %lld bytes of the host's memory that stay where they are; it does not "
                  "give as many",
                  what, (long long)bytes);
}

int32_t sks_gpu_allocate(sks_gpu *gpu, int64_t bytes, const char *what, void **memory) {
  int32_t status = sks_gpu_require_running(gpu, "an allocation");
  if (status != SKS_OK) return status;
  if (bytes < 0) return sks_fail(SKS_OUT_OF_MEMORY, "%s takes %lld bytes", what, (long long)bytes);
  sks_gpu_block *block = sks_memory_allocate(sizeof *block, what);
  if (block == NULL) return SKS_OUT_OF_MEMORY;
  size_t size = bytes > 0 ? (size_t)bytes : 1;
  cudaError_t error = cudaMalloc(&block->memory, size);
  if (error != cudaSuccess) {
    sks_memory_free(block);
    return error == cudaErrorMemoryAllocation ? sks_gpu_out_of_memory(gpu, bytes, what)
                                              : sks_gpu_check(gpu, error, what);
  }
  block->bytes = bytes;
  block->next = gpu->blocks;
  gpu->blocks = block;
  sks_memory_account(bytes, 1);
  *memory = block->memory;
  return sks_gpu_check(gpu, cudaMemsetAsync(block->memory, 0, size, gpu->stream), what);
}

void sks_gpu_free(sks_gpu *gpu, void *memory) {
  if (memory == NULL) return;
  sks_gpu_block **at = &gpu->blocks;
  while (*at != NULL && (*at)->memory != memory) at = &(*at)->next;
  sks_gpu_block *block = *at;
  if (block == NULL) return;
  *at = block->next;
  cudaFree(memory); /* waits for the device */
  sks_memory_account(-block->bytes, 0);
  sks_memory_free(block);
}

int32_t sks_gpu_ensure(sks_gpu *gpu, int64_t bytes, const char *what, sks_gpu_room *room) {
  if (bytes <= room->bytes) return SKS_OK;
  int32_t status = sks_gpu_require_running(gpu, "an allocation");
  if (status != SKS_OK) return status;
  if (bytes < 2 * room->bytes) bytes = 2 * room->bytes;
  void *grown;
  status = sks_gpu_allocate(gpu, bytes, what, &grown);
  if (status != SKS_OK) return status;
  room->all[room->count++] = room->memory = grown;
  room->bytes = bytes;
  return SKS_OK;
}

void sks_gpu_free_room(sks_gpu *gpu, sks_gpu_room *room) {
  for (int32_t i = 0; i < room->count; i++) sks_gpu_free(gpu, room->all[i]);
  *room = (sks_gpu_room){0};
}
