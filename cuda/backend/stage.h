/* What files pass on their way to the device. */
#ifndef SINKSTREAM_CUDA_BACKEND_STAGE_H
#define SINKSTREAM_CUDA_BACKEND_STAGE_H

#include <cuda_runtime_api.h>

enum { SKS_GPU_STAGES = 2, SKS_GPU_STAGE_BYTES = 16 << 20 };

/* Pinned memory and memory of the device of the same size, through which files are uploaded. */
typedef struct sks_gpu_stage {
  char *pinned, *device;
  cudaEvent_t free; /* recorded where the copy out of the pinned memory ends */
} sks_gpu_stage;

#endif
