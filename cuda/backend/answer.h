/* Results on their way to the host: copied, or written there by the kernel itself. All between
 * enter and leave (gpu.h). */
#ifndef SINKSTREAM_CUDA_BACKEND_ANSWER_H
#define SINKSTREAM_CUDA_BACKEND_ANSWER_H

#include <cuda_runtime_api.h>
#include <stdint.h>

typedef struct sks_gpu sks_gpu;

/* Pinned memory that kernels write small results to themselves; `serial` comes last. */
typedef struct sks_gpu_answer {
  uint32_t serial; /* of the newest question that has been answered */
  _Alignas(64) char data[];
} sks_gpu_answer;

/* What kernels were asked for and write by themselves. */
typedef struct sks_gpu_question {
  sks_gpu_answer *answer;
  int64_t bytes;  /* that it has room for */
  uint32_t asked; /* the serial of the newest one */
} sks_gpu_question;

/* Room for results on both sides. */
int32_t sks_gpu_results(sks_gpu *gpu, int64_t bytes);

/* Waits until `bytes` of results are in gpu->host_results. `error` is that of the kernel's launch.
 */
int32_t sks_gpu_fetch(sks_gpu *gpu, cudaError_t error, int64_t bytes, const char *what);

/* Makes room for an answer of so many bytes. The kernel is to leave `asked` in answer->serial once
 * it has written the answer to answer->data. */
int32_t sks_gpu_ask(sks_gpu *gpu, sks_gpu_question *question, int64_t bytes);

/* Waits for the answer. `error` is that of the kernel's launch. */
int32_t sks_gpu_await(sks_gpu *gpu, const sks_gpu_question *question, cudaError_t error,
                      const char *what);

#endif
