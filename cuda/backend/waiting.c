#include "cuda/backend/waiting.h"

#include "cuda/backend/gpu.h"

cudaError_t sks_gpu_launch_waiting(sks_gpu *gpu) {
  sks_gpu_waiting *waiting = &gpu->waiting;
  sks_gpu_appended *appended = &waiting->appended;
  cudaError_t error = waiting->begins ? sks_cuda_put_and_begin(gpu->stream, &waiting->puts,
                                                               &waiting->attention, &waiting->step)
                                      : sks_cuda_put(gpu->stream, &waiting->puts);
  if (error == cudaSuccess && appended->batch != NULL)
    error = sks_cuda_append(gpu->stream, &appended->attention, &appended->step, appended->layer,
                            &appended->rows, true);
  waiting->puts.count = 0;
  waiting->begins = false;
  appended->batch = NULL;
  if (error != cudaSuccess) waiting->lost++;
  return error;
}

cudaError_t sks_gpu_write(sks_gpu *gpu, void *to, const void *from, int64_t bytes) {
  if (sks_cuda_puts_add(&gpu->waiting.puts, to, from, bytes)) return cudaSuccess;
  cudaError_t error = sks_gpu_launch_waiting(gpu);
  if (error != cudaSuccess) return error;
  if (sks_cuda_puts_add(&gpu->waiting.puts, to, from, bytes)) return cudaSuccess;
  /* From memory that is not pinned: when the call returns, what it needs has been read. */
  return cudaMemcpyAsync(to, from, (size_t)bytes, cudaMemcpyHostToDevice, gpu->stream);
}
