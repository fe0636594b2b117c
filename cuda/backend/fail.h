/* What goes wrong on a GPU, as a status with the last error set. */
#ifndef SINKSTREAM_CUDA_BACKEND_FAIL_H
#define SINKSTREAM_CUDA_BACKEND_FAIL_H

#include <cuda_runtime_api.h>
#include <stdint.h>

typedef struct sks_gpu sks_gpu;

/* The status of an error; `what` ran into it. */
int32_t sks_gpu_check(const sks_gpu *gpu, cudaError_t error, const char *what);

/* What takes memory, how much, if that is known (else 0), and what the device has. */
int32_t sks_gpu_out_of_memory(const sks_gpu *gpu, int64_t bytes, const char *what);

/* Refuses, while operations are recorded, what cannot be. */
int32_t sks_gpu_require_running(const sks_gpu *gpu, const char *what);

#endif
