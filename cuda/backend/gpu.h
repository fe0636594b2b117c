/* An NVIDIA GPU as a device (core/backend.h): one stream, in which operations run in the order of
 * the calls. sks_gpu_: the back end, plain C; sks_cuda_ (cuda/kernels): launches of kernels, and
 * what they take. */
#ifndef SINKSTREAM_CUDA_BACKEND_GPU_H
#define SINKSTREAM_CUDA_BACKEND_GPU_H

#include <cuda_runtime_api.h>
#include <pthread.h>
#include <stdbool.h>

#include "core/device.h"
#include "core/fail.h"
#include "cuda/backend/answer.h"
#include "cuda/backend/blas.h"
#include "cuda/backend/fail.h"
#include "cuda/backend/memory.h"
#include "cuda/backend/rounded.h"
#include "cuda/backend/stage.h"
#include "cuda/backend/waiting.h"

/* What the first steps take beside weights and caches: their rooms (memory.h), and 160 MiB for all
 * else, of which cuBLAS takes 68 for itself. */
enum {
  SKS_GPU_OTHER_BYTES = 160 << 20,
  SKS_GPU_STEP_BYTES = SKS_GPU_PARTIAL_BYTES + SKS_GPU_EXPANDED_BYTES +
                       SKS_GPU_BLAS_WORKSPACE_BYTES + SKS_GPU_OTHER_BYTES
};

struct sks_gpu {
  sks_device base;
  int32_t index;
  char name[256], isa[32];
  cudaStream_t stream;
  pthread_mutex_t lock; /* recursive; a recording holds it from begin to end */
  bool recording;
  sks_gpu_blas blas;
  sks_gpu_waiting waiting;
  uint64_t operation;   /* the number of the present one */
  int32_t rounded_type; /* that the newest product takes its input in; SKS_F32: none */
  sks_gpu_kept kept;
  sks_gpu_block *blocks;
  sks_gpu_stage stages[SKS_GPU_STAGES]; /* made with the first weights */
  /* Where small results go on their way to the host; grown as needed. */
  sks_gpu_room results;
  char *host_results;
  sks_gpu_question likeliest; /* of sks_top_k */
  sks_gpu_room top_scratch;   /* of the same */
};

/* Until sks_gpu_leave no other thread uses the device. */
sks_gpu *sks_gpu_enter(const sks_device *device);

/* The same, but what waits goes on waiting until the caller launches it, if at all. */
sks_gpu *sks_gpu_enter_waiting(const sks_device *device);

/* What `error` stands for as a status; `what` ran into it. */
int32_t sks_gpu_leave(sks_gpu *gpu, cudaError_t error, const char *what);

/* The same for a function that has a status already, which it is to return. */
int32_t sks_gpu_leave_with(sks_gpu *gpu, int32_t status);

/* The same for a function that cannot fail: what went wrong before, the next one tells. */
void sks_gpu_leave_silently(sks_gpu *gpu);

#endif
