#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "cuda/backend/gpu.h"
#include "cuda/kernels/loading.h"

enum { LEAST_MAJOR = 8 }; /* compute capability 8.0: what the kernels are built for */

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

int32_t sks_gpu_done(sks_gpu *gpu, int32_t status) {
  if (status == SKS_OK) {
    status = sks_gpu_check(gpu, gpu->waiting.error, "a step's beginning or append");
    gpu->waiting.error = cudaSuccess;
  }
  pthread_mutex_unlock(&gpu->lock);
  return status;
}

void sks_gpu_quit(sks_gpu *gpu) { pthread_mutex_unlock(&gpu->lock); }

int32_t sks_gpu_check(const sks_gpu *gpu, cudaError_t error, const char *what) {
  if (error == cudaSuccess) return SKS_OK;
  if (error == cudaErrorMemoryAllocation) return sks_gpu_out_of_memory(gpu, 0, what);
  cudaGetLastError(); /* or a later call would be told of it again */
  return sks_fail(SKS_FAULT, "%s: %s: %s", gpu->name, what, cudaGetErrorString(error));
}

int32_t sks_gpu_leave(sks_gpu *gpu, cudaError_t error, const char *what) {
  return sks_gpu_done(gpu, sks_gpu_check(gpu, error, what));
}

int32_t sks_gpu_require_running(const sks_gpu *gpu, const char *what) {
  if (!gpu->recording) return SKS_OK;
  return sks_fail(SKS_IMPOSSIBLE, "%s cannot be recorded", what);
}

static void close_gpu(sks_device *device) {
  sks_gpu *gpu = sks_gpu_enter(device);
  if (gpu->stream != NULL) cudaStreamSynchronize(gpu->stream);
  sks_gpu_blas_close(&gpu->blas);
  for (int i = 0; i < SKS_GPU_STAGES; i++) {
    if (gpu->stages[i].free != NULL) cudaEventDestroy(gpu->stages[i].free);
    cudaFreeHost(gpu->stages[i].pinned);
  }
  cudaFreeHost(gpu->host_results);
  cudaFreeHost(gpu->answer);
  while (gpu->blocks != NULL) sks_gpu_free(gpu, gpu->blocks->memory);
  if (gpu->stream != NULL) cudaStreamDestroy(gpu->stream);
  pthread_mutex_unlock(&gpu->lock);
  pthread_mutex_destroy(&gpu->lock);
  sks_memory_free(gpu);
}

static int32_t memory(sks_device *device, int64_t *total, int64_t *available) {
  sks_gpu *gpu = sks_gpu_enter(device);
  size_t free_bytes = 0, all_bytes = 0;
  cudaError_t error = cudaMemGetInfo(&free_bytes, &all_bytes);
  *total = (int64_t)all_bytes;
  *available = (int64_t)free_bytes;
  return sks_gpu_leave(gpu, error, "sks_device_memory");
}

static const sks_backend table = {
    .close = close_gpu,
    .memory = memory,
    .buffer_allocate = sks_gpu_buffer_allocate,
    .buffer_free = sks_gpu_buffer_free,
    .upload = sks_gpu_upload,
    .download = sks_gpu_download,
    .copy = sks_gpu_copy,
    .buffer_read = sks_gpu_buffer_read,
    .weights_create = sks_gpu_weights_create,
    .weights_destroy = sks_gpu_weights_destroy,
    .workspace_create = sks_gpu_workspace_create,
    .workspace_destroy = sks_gpu_workspace_destroy,
    .linear = sks_gpu_linear,
    .embed = sks_gpu_embed,
    .normalize = sks_gpu_normalize,
    .clamp = sks_gpu_clamp,
    .top_k = sks_gpu_top_k,
    .nll = sks_gpu_nll,
    .attention_create = sks_gpu_attention_create,
    .attention_destroy = sks_gpu_attention_destroy,
    .step_bytes = SKS_GPU_STEP_BYTES,
    .cache_row_bytes = sks_gpu_cache_row_bytes,
    .cache_allocate = sks_gpu_cache_allocate,
    .cache_free = sks_gpu_cache_free,
    .cache_grow = sks_gpu_cache_grow,
    .cache_move = sks_gpu_cache_move,
    .cache_pack = sks_gpu_cache_pack,
    .cache_unpack = sks_gpu_cache_unpack,
    .batch_create = sks_gpu_batch_create,
    .batch_destroy = sks_gpu_batch_destroy,
    .batch_begin = sks_gpu_batch_begin,
    .batch_commit = sks_gpu_batch_commit,
    .append = sks_gpu_append,
    .attend = sks_gpu_attend,
    .attention_weights = sks_gpu_attention_weights,
    .record_begin = sks_gpu_record_begin,
    .record_end = sks_gpu_record_end,
    .replay = sks_gpu_replay,
    .recording_destroy = sks_gpu_recording_destroy,
};

/* One sentence for whoever asked for a GPU and gets none. */
static int32_t absent(cudaError_t error) {
  int driver = 0;
  cudaGetLastError();
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
    return sks_fail(SKS_UNSUPPORTED, "there is no NVIDIA driver on this machine");
  if (error == cudaErrorInsufficientDriver)
    return sks_fail(
        SKS_UNSUPPORTED, "the NVIDIA driver is of CUDA %d.%d; expected CUDA %d.%d or newer",
        driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
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
  gpu->base = (sks_device){
      .backend = &table, .kind = "cuda", .name = gpu->name, .isa = gpu->isa, .threads = 1};
  init_lock(&gpu->lock);
  status = open_stream(gpu);
  if (status != SKS_OK) {
    close_gpu(&gpu->base);
    return status;
  }
  sks_cuda_load_kernels();
  *device = &gpu->base;
  return SKS_OK;
}
