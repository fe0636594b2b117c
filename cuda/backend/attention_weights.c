#include "cuda/kernels/attention_weights.h"

#include <string.h>

#include "cuda/backend/batch.h"
#include "cuda/backend/gpu.h"
#include "cuda/backend/table.h"

int32_t sks_gpu_attention_weights(sks_batch *batch, int32_t layer, const float *queries,
                                  int64_t row_stride, int64_t group_stride,
                                  const float *sink_logits, int32_t row, float *weights) {
  sks_gpu_batch *own = batch->own;
  sks_gpu *gpu = sks_gpu_enter(batch->attention->device);
  sks_span spans[SKS_SPANS];
  const sks_row *of = &batch->rows[row];
  int64_t keys = sks_spans_between(&of->cache->ring, of->view, of->view, spans);
  int64_t bytes = batch->attention->heads * keys * (int64_t)sizeof *weights;
  int32_t status = sks_gpu_results(gpu, bytes);
  if (status != SKS_OK) return sks_gpu_leave_with(gpu, status);
  sks_cuda_attend_args args = {queries,     row_stride,          group_stride,
                               sink_logits, gpu->results.memory, {0}};
  cudaError_t error =
      sks_cuda_attention_weights(gpu->stream, &own->attention, &own->step, layer, row, &args);
  status = sks_gpu_fetch(gpu, error, bytes, "sks_attention_weights");
  if (status == SKS_OK) memcpy(weights, gpu->host_results, (size_t)bytes);
  return sks_gpu_leave_with(gpu, status);
}
