#include "cuda/backend/answer.h"

#include <stddef.h>
#include <string.h>

#include "core/pause.h"
#include "cuda/backend/gpu.h"

/* Between two looks at whether the device still works: some tens of microseconds. */
enum { SPINS = 1024 };

int32_t sks_gpu_results(sks_gpu *gpu, int64_t bytes) {
  int32_t status = sks_gpu_require_running(gpu, "a result in host memory");
  if (status != SKS_OK || bytes <= gpu->results.bytes) return status;
  status = sks_gpu_ensure(gpu, bytes, "room for results", &gpu->results);
  if (status != SKS_OK) return status;
  cudaFreeHost(gpu->host_results);
  gpu->host_results = NULL;
  status = sks_gpu_pinned(gpu, gpu->results.bytes, "room for results", (void **)&gpu->host_results);
  if (status != SKS_OK) sks_gpu_free_room(gpu, &gpu->results);
  return status;
}

int32_t sks_gpu_fetch(sks_gpu *gpu, cudaError_t error, int64_t bytes, const char *what) {
  if (error == cudaSuccess)
    error = cudaMemcpyAsync(gpu->host_results, gpu->results.memory, (size_t)bytes,
                            cudaMemcpyDeviceToHost, gpu->stream);
  if (error == cudaSuccess) error = cudaStreamSynchronize(gpu->stream);
  return sks_gpu_check(gpu, error, what);
}

int32_t sks_gpu_ask(sks_gpu *gpu, sks_gpu_question *question, int64_t bytes) {
  int32_t status = sks_gpu_require_running(gpu, "a result in host memory");
  if (status != SKS_OK) return status;
  if (bytes > question->bytes) {
    cudaFreeHost(question->answer); /* waits for the device */
    question->answer = NULL;
    question->bytes = 0;
    size_t all = offsetof(sks_gpu_answer, data) + (size_t)bytes;
    status = sks_gpu_pinned(gpu, (int64_t)all, "room for results", (void **)&question->answer);
    if (status != SKS_OK) return status;
    memset(question->answer, 0, all);
    question->bytes = bytes;
  }
  if (++question->asked == 0) question->asked = 1; /* fresh memory has answered question 0 */
  return SKS_OK;
}

static bool answered(const sks_gpu_question *question) {
  return __atomic_load_n(&question->answer->serial, __ATOMIC_ACQUIRE) == question->asked;
}

/* Looking at memory sees the answer some microseconds before the driver would tell. */
int32_t sks_gpu_await(sks_gpu *gpu, const sks_gpu_question *question, cudaError_t error,
                      const char *what) {
  while (error == cudaSuccess && !answered(question)) {
    for (int i = 0; i < SPINS && !answered(question); i++) sks_pause();
    if (answered(question)) break;
    cudaError_t state = cudaStreamQuery(gpu->stream);
    if (state == cudaErrorNotReady) continue;
    /* All is done, so that the answer is there, or it never will be. */
    error = state == cudaSuccess && !answered(question) ? cudaErrorUnknown : state;
  }
  return sks_gpu_check(gpu, error, what);
}
