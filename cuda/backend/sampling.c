#include "cuda/kernels/sampling.h"

#include <string.h>

#include "core/memory.h"
#include "cuda/backend/gpu.h"
#include "cuda/backend/host.h"
#include "cuda/backend/table.h"

/* More than the device chooses: the host does, row by row. */
static int32_t top_of_many(sks_gpu *gpu, const float *logits, int32_t rows, int32_t count,
                           int32_t k, int32_t *indices, float *values) {
  int64_t bytes = count * (int64_t)sizeof *logits;
  float *copy = sks_memory_allocate(bytes, "logits");
  if (copy == NULL) return SKS_OUT_OF_MEMORY;
  int32_t status = SKS_OK;
  for (int64_t r = 0; r < rows && status == SKS_OK; r++) {
    status = sks_gpu_download(&gpu->base, copy, logits + r * count, bytes);
    if (status == SKS_OK) sks_gpu_host.top_k(copy, count, k, indices + r * k, values + r * k);
  }
  sks_memory_free(copy);
  return status;
}

int32_t sks_gpu_top_k(sks_device *device, const float *logits, int32_t rows, int32_t count,
                      int32_t k, int32_t *indices, float *values) {
  sks_gpu *gpu = sks_gpu_enter(device);
  if (k > SKS_CUDA_MOST_K)
    return sks_gpu_leave_with(gpu, top_of_many(gpu, logits, rows, count, k, indices, values));
  size_t found = (size_t)rows * (size_t)k, index_bytes = found * sizeof *indices,
         value_bytes = found * sizeof *values;
  sks_gpu_question *question = &gpu->likeliest;
  int32_t status = sks_gpu_ask(gpu, question, (int64_t)(index_bytes + value_bytes));
  if (status == SKS_OK)
    status = sks_gpu_ensure(gpu, rows * (int64_t)SKS_CUDA_TOP_SCRATCH, "room for a choice",
                            &gpu->top_scratch);
  if (status != SKS_OK || rows == 0) return sks_gpu_leave_with(gpu, status);
  char *data = question->answer->data;
  sks_cuda_top to = {.indices = (int32_t *)data,
                     .values = (float *)(data + index_bytes),
                     .answered = &question->answer->serial,
                     .serial = question->asked};
  cudaError_t error =
      sks_cuda_top_k(gpu->stream, logits, rows, count, k, NULL, gpu->top_scratch.memory, &to);
  status = sks_gpu_await(gpu, question, error, "sks_top_k");
  if (status == SKS_OK) {
    memcpy(indices, data, index_bytes);
    memcpy(values, data + index_bytes, value_bytes);
  }
  return sks_gpu_leave_with(gpu, status);
}

int32_t sks_gpu_nll(sks_device *device, const float *logits, int32_t rows, int32_t count,
                    const int32_t *targets, double *loss) {
  sks_gpu *gpu = sks_gpu_enter(device);
  size_t loss_bytes = (size_t)rows * sizeof *loss, target_bytes = (size_t)rows * sizeof *targets;
  int32_t status = sks_gpu_results(gpu, (int64_t)(loss_bytes + target_bytes));
  if (status != SKS_OK || rows == 0) return sks_gpu_leave_with(gpu, status);
  int32_t *device_targets = (int32_t *)((char *)gpu->results.memory + loss_bytes);
  cudaError_t error =
      cudaMemcpyAsync(device_targets, targets, target_bytes, cudaMemcpyHostToDevice, gpu->stream);
  if (error == cudaSuccess)
    error = sks_cuda_nll(gpu->stream, logits, rows, count, device_targets, gpu->results.memory);
  status = sks_gpu_fetch(gpu, error, (int64_t)loss_bytes, "sks_nll");
  if (status == SKS_OK) memcpy(loss, gpu->host_results, loss_bytes);
  return sks_gpu_leave_with(gpu, status);
}
