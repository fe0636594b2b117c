/* Memory of the device, counted and given back; and the host's that it may reach. All between
 * enter and leave (gpu.h). */
#ifndef SINKSTREAM_CUDA_BACKEND_MEMORY_H
#define SINKSTREAM_CUDA_BACKEND_MEMORY_H

#include <cuda_runtime_api.h>
#include <stdint.h>

typedef struct sks_gpu sks_gpu;

/* Memory of the device that is in use. */
typedef struct sks_gpu_block {
  struct sks_gpu_block *next;
  void *memory;
  int64_t bytes;
} sks_gpu_block;

/* Rooms that the first steps make (SKS_GPU_STEP_BYTES, gpu.h). */
enum {
  /* Most for partial softmaxes, but for those of one row; with less, launches are cut. */
  SKS_GPU_PARTIAL_BYTES = 128 << 20,
  /* For weights expanded for a library's product, piece by piece. */
  SKS_GPU_EXPANDED_BYTES = 64 << 20,
  /* What NVIDIA recommends for Hopper. With memory of our own, products can be recorded. */
  SKS_GPU_BLAS_WORKSPACE_BYTES = 32 << 20
};

enum { SKS_GPU_MOST_ROOMS = 64 }; /* each is twice as large as the one before */

/* Memory of the device that grows as needed. What it has outgrown stays until the room goes: a
 * recording may have been made with it. */
typedef struct sks_gpu_room {
  void *memory;
  int64_t bytes;
  void *all[SKS_GPU_MOST_ROOMS]; /* the present one last */
  int32_t count;
} sks_gpu_room;

/* Memory of the host that the device may write; freed by cudaFreeHost. */
int32_t sks_gpu_pinned(const sks_gpu *gpu, int64_t bytes, const char *what, void **memory);

/* Zeroed memory of the device, aligned to 256. */
int32_t sks_gpu_allocate(sks_gpu *gpu, int64_t bytes, const char *what, void **memory);

/* NULL is allowed. What the device was asked before is done first. */
void sks_gpu_free(sks_gpu *gpu, void *memory);

/* Makes the room at least `bytes` large: zeroed, where it grows. */
int32_t sks_gpu_ensure(sks_gpu *gpu, int64_t bytes, const char *what, sks_gpu_room *room);

void sks_gpu_free_room(sks_gpu *gpu, sks_gpu_room *room);

#endif
