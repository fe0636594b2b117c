#include "cuda/backend/batch.h"
#include "cuda/backend/gpu.h"
#include "cuda/backend/table.h"

int32_t sks_gpu_append(sks_batch *batch, int32_t layer, const float *keys, const float *values,
                       int64_t row_stride, int64_t head_stride) {
  sks_gpu_batch *own = batch->own;
  sks_gpu *gpu;
  /* Where the beginning is lost, rows would go where others are. */
  int32_t status = sks_gpu_enter_step(batch->attention->device, batch, "sks_append", &gpu);
  if (status != SKS_OK) return sks_gpu_leave_with(gpu, status);
  gpu->waiting.appended = (sks_gpu_appended){.batch = batch,
                                             .layer = layer,
                                             .attention = own->attention,
                                             .step = own->step,
                                             .rows = {keys, values, row_stride, head_stride}};
  cudaError_t error = own->one_row_each ? cudaSuccess : sks_gpu_launch_waiting(gpu);
  return sks_gpu_leave(gpu, error, "sks_append");
}
