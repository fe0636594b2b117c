/* What a GPU was asked for and has not been launched yet. All between enter and leave (gpu.h). */
#ifndef SINKSTREAM_CUDA_BACKEND_WAITING_H
#define SINKSTREAM_CUDA_BACKEND_WAITING_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

#include "core/batch.h"
#include "cuda/kernels/append.h"
#include "cuda/kernels/put.h"

typedef struct sks_gpu sks_gpu;

/* A layer that sks_append was asked for; the rows are read where they lie. */
typedef struct sks_gpu_appended {
  const sks_batch *batch; /* NULL: there is none */
  int32_t layer;
  sks_cuda_attention attention;
  sks_cuda_step step;
  sks_cuda_new_rows rows;
} sks_gpu_appended;

/* What is launched with the next operation, so that it costs one launch: small writes, and then the
 * beginning of a step; or an append, which the layer's sks_attend does on its way. */
typedef struct sks_gpu_waiting {
  sks_cuda_puts puts;
  bool begins;
  sks_cuda_attention attention;
  sks_cuda_step step;
  sks_gpu_appended appended;
  cudaError_t error; /* of the launch, until somebody leaves with it */
  uint64_t lost;     /* launches that failed, whoever was told of it */
} sks_gpu_waiting;

/* Launches what waits. */
cudaError_t sks_gpu_launch_waiting(sks_gpu *gpu);

/* Host memory to the device's, before the next operation; `from` may change after. */
cudaError_t sks_gpu_write(sks_gpu *gpu, void *to, const void *from, int64_t bytes);

#endif
