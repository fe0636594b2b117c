#include <stdio.h>

#include "core/memory.h"
#include "cuda/backend/gpu.h"
#include "cuda/backend/host.h"
#include "cuda/backend/table.h"
#include "cuda/kernels/loading.h"

enum { LEAST_MAJOR = 8 }; /* compute capability 8.0: what the kernels are built for */

void sks_gpu_close(sks_device *device) {
  sks_gpu *gpu = sks_gpu_enter(device);
  if (gpu->stream != NULL) cudaStreamSynchronize(gpu->stream);
  sks_gpu_blas_close(&gpu->blas);
  for (int i = 0; i < SKS_GPU_STAGES; i++) {
    if (gpu->stages[i].free != NULL) cudaEventDestroy(gpu->stages[i].free);
    cudaFreeHost(gpu->stages[i].pinned);
  }
  cudaFreeHost(gpu->host_results);
  cudaFreeHost(gpu->likeliest.answer);
  while (gpu->blocks != NULL) sks_gpu_free(gpu, gpu->blocks->memory);
  if (gpu->stream != NULL) cudaStreamDestroy(gpu->stream);
  sks_gpu_leave_silently(gpu);
  pthread_mutex_destroy(&gpu->lock);
  sks_memory_free(gpu);
}

int32_t sks_gpu_memory(sks_device *device, int64_t *total, int64_t *available) {
  sks_gpu *gpu = sks_gpu_enter(device);
  size_t free_bytes = 0, all_bytes = 0;
  cudaError_t error = cudaMemGetInfo(&free_bytes, &all_bytes);
  *total = (int64_t)all_bytes;
  *available = (int64_t)free_bytes;
  return sks_gpu_leave(gpu, error, "sks_device_memory");
}

/* One sentence for whoever asked for a GPU and gets none. */
static int32_t absent(cudaError_t error) {
  int driver = 0;
  cudaGetLastError();
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
    return sks_fail(SKS_UNSUPPORTED, "there is no NVIDIA driver on this machine");
  if (driver / 1000 < CUDART_VERSION / 1000) /* within a major version any driver does */
    return sks_fail(SKS_UNSUPPORTED,
                    "the NVIDIA driver is of CUDA %d.%d; expected CUDA %d or newer", driver / 1000,
                    driver % 1000 / 10, CUDART_VERSION / 1000);
  if (error == cudaErrorNoDevice) return sks_fail(SKS_UNSUPPORTED, "the NVIDIA driver sees no GPU");
  return sks_fail(SKS_UNSUPPORTED, "the NVIDIA driver cannot be used: %s",
                  cudaGetErrorString(error));
}

static int32_t check_gpu(int32_t index, struct cudaDeviceProp *facts) {
  int count = 0;
  cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess || count == 0)
    return absent(error == cudaSuccess ? cudaErrorNoDevice : error);
  if (index >= count)
    return sks_fail(SKS_UNSUPPORTED, "there is no GPU %d: the driver sees %d, from 0", index,
                    count);
  error = cudaGetDeviceProperties(facts, index);
  if (error != cudaSuccess) return absent(error);
  if (facts->major < LEAST_MAJOR)
    return sks_fail(SKS_UNSUPPORTED,
                    "GPU %d, %s, has compute capability %d.%d; expected 8.0 or newer", index,
                    facts->name, facts->major, facts->minor);
  return SKS_OK;
}

static void init_lock(pthread_mutex_t *lock) {
  pthread_mutexattr_t recursive;
  pthread_mutexattr_init(&recursive);
  pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(lock, &recursive);
  pthread_mutexattr_destroy(&recursive);
}

static int32_t open_stream(sks_gpu *gpu) {
  cudaError_t error = cudaSetDevice(gpu->index);
  if (error == cudaSuccess) error = cudaStreamCreateWithFlags(&gpu->stream, cudaStreamNonBlocking);
  if (error == cudaSuccess) return SKS_OK;
  cudaGetLastError();
  return sks_fail(SKS_UNSUPPORTED, "GPU %d, %s, cannot be opened: %s", gpu->index, gpu->name,
                  cudaGetErrorString(error));
}

SKS_API sks_backend_entry sks_backend_open;

int32_t sks_backend_open(const sks_host *host, int32_t index, sks_device **device) {
  if (host->version != SKS_BACKEND_VERSION) {
    char text[128];
    snprintf(text, sizeof text,
             "the CUDA back end has version %d; expected %d, that of the library that opens it",
             SKS_BACKEND_VERSION, host->version);
    return host->fail(SKS_UNSUPPORTED, text);
  }
  sks_gpu_host = *host;
  struct cudaDeviceProp facts;
  int32_t status = check_gpu(index, &facts);
  if (status != SKS_OK) return status;
  sks_gpu *gpu = sks_memory_allocate(sizeof *gpu, "device");
  if (gpu == NULL) return SKS_OUT_OF_MEMORY;
  sks_gpu_blas_find(&gpu->blas);
  snprintf(gpu->name, sizeof gpu->name, "%s", facts.name);
  snprintf(gpu->isa, sizeof gpu->isa, "sm_%d%d%s", facts.major, facts.minor,
           gpu->blas.library != NULL ? "+cublas" : "");
  gpu->index = index;
  gpu->base = (sks_device){.backend = &sks_gpu_backend,
                           .kind = "cuda",
                           .name = gpu->name,
                           .isa = gpu->isa,
                           .threads = 1};
  init_lock(&gpu->lock);
  status = open_stream(gpu);
  if (status != SKS_OK) {
    sks_gpu_close(&gpu->base);
    return status;
  }
  sks_cuda_load_kernels();
  *device = &gpu->base;
  return SKS_OK;
}
