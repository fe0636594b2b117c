#include <string.h>

#include "cuda/backend/gpu.h"
#include "cuda/backend/table.h"

enum { MOST_STAGED_BYTES = 1 << 20 }; /* that come by way of pinned memory, which is faster */

int32_t sks_gpu_buffer_allocate(sks_device *device, int64_t bytes, void **buffer) {
  sks_gpu *gpu = sks_gpu_enter(device);
  return sks_gpu_leave_with(gpu, sks_gpu_allocate(gpu, bytes, "a buffer", buffer));
}

void sks_gpu_buffer_free(sks_device *device, void *buffer) {
  sks_gpu *gpu = sks_gpu_enter(device);
  sks_gpu_free(gpu, buffer);
  sks_gpu_leave_silently(gpu);
}

int32_t sks_gpu_upload(sks_device *device, void *to, const void *from, int64_t bytes) {
  sks_gpu *gpu = sks_gpu_enter_waiting(device);
  int32_t status = sks_gpu_require_running(gpu, "an upload");
  if (status != SKS_OK) return sks_gpu_leave_with(gpu, status);
  /* An append that waits may read what is written over here. */
  bool appends = gpu->waiting.appended.batch != NULL;
  cudaError_t error = appends ? sks_gpu_launch_waiting(gpu) : cudaSuccess;
  if (error == cudaSuccess) error = sks_gpu_write(gpu, to, from, bytes);
  return sks_gpu_leave(gpu, error, "an upload");
}

int32_t sks_gpu_download(sks_device *device, void *to, const void *from, int64_t bytes) {
  sks_gpu *gpu = sks_gpu_enter(device);
  bool staged = bytes <= MOST_STAGED_BYTES;
  int32_t status =
      staged ? sks_gpu_results(gpu, bytes) : sks_gpu_require_running(gpu, "a download");
  if (status != SKS_OK) return sks_gpu_leave_with(gpu, status);
  void *target = staged ? gpu->host_results : to;
  cudaError_t error =
      cudaMemcpyAsync(target, from, (size_t)bytes, cudaMemcpyDeviceToHost, gpu->stream);
  if (error == cudaSuccess) error = cudaStreamSynchronize(gpu->stream);
  if (error == cudaSuccess && staged) memcpy(to, target, (size_t)bytes);
  return sks_gpu_leave(gpu, error, "a download");
}

int32_t sks_gpu_copy(sks_device *device, void *to, const void *from, int64_t bytes) {
  sks_gpu *gpu = sks_gpu_enter(device);
  return sks_gpu_leave(
      gpu, cudaMemcpyAsync(to, from, (size_t)bytes, cudaMemcpyDeviceToDevice, gpu->stream),
      "a copy");
}
