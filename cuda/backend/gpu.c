#include "cuda/backend/gpu.h"

sks_gpu *sks_gpu_enter_waiting(const sks_device *device) {
  sks_gpu *gpu = (sks_gpu *)device;
  pthread_mutex_lock(&gpu->lock);
  gpu->operation++;
  cudaSetDevice(gpu->index); /* of this thread; fails only where opening had failed */
  return gpu;
}

sks_gpu *sks_gpu_enter(const sks_device *device) {
  sks_gpu *gpu = sks_gpu_enter_waiting(device);
  cudaError_t error = sks_gpu_launch_waiting(gpu);
  if (error != cudaSuccess) gpu->waiting.error = error;
  return gpu;
}

int32_t sks_gpu_leave_with(sks_gpu *gpu, int32_t status) {
  if (status == SKS_OK) {
    status = sks_gpu_check(gpu, gpu->waiting.error, "a step's beginning or append");
    gpu->waiting.error = cudaSuccess;
  }
  pthread_mutex_unlock(&gpu->lock);
  return status;
}

int32_t sks_gpu_leave(sks_gpu *gpu, cudaError_t error, const char *what) {
  return sks_gpu_leave_with(gpu, sks_gpu_check(gpu, error, what));
}

void sks_gpu_leave_silently(sks_gpu *gpu) { pthread_mutex_unlock(&gpu->lock); }
