#ifndef SINKSTREAM_CUDA_BACKEND_BATCH_H
#define SINKSTREAM_CUDA_BACKEND_BATCH_H

#include <stdbool.h>

#include "core/batch.h"
#include "cuda/backend/memory.h"
#include "cuda/kernels/attend.h"

/* An array of the device's that is the same in most steps, and what it has of it. */
typedef struct sks_gpu_written {
  void *to;
  void *copy; /* in host memory */
  int64_t bytes;
} sks_gpu_written;

/* What a GPU has of a batch. What has changed of where rows stand is written to the device when a
 * step begins; kernels get pointers to it, which never change, so that a recorded step is replayed
 * for ever. */
typedef struct sks_gpu_batch {
  sks_cuda_attention attention;
  sks_cuda_step step;
  void *memory; /* what the step points to */
  sks_cuda_tile *tiles;
  bool one_row_each; /* every stream has one row in the step */
  bool tiled;
  int32_t tile_count;
  void *rounded; /* results once more, for the product that takes them */
  sks_gpu_room workspace;
  /* What is written to the device, [max_rows] each. */
  sks_cuda_cache *host_caches;
  int64_t *host_positions;
  sks_cuda_row *host_rows;
  sks_cuda_tile *host_tiles;
  sks_gpu_written written_caches, written_rows;
  bool committed; /* the last step was */
  uint64_t lost;  /* launches of what waited that had failed when the last step began */
} sks_gpu_batch;

/* Enters, launches what waits, and refuses a step whose beginning may be lost, or an append:
 * another thread may have been told. The caller leaves, whatever the status. `batch` NULL: no step.
 */
int32_t sks_gpu_enter_step(const sks_device *device, const sks_batch *batch, const char *what,
                           sks_gpu **gpu);

/* Rows whose results are left rounded, too: as many as a product of our own takes. */
int64_t sks_gpu_most_rounded(const sks_batch *batch);

/* From one of them to the next, in units of 16 bits. */
int64_t sks_gpu_rounded_stride(const sks_attention *attention, int32_t type);

#endif
