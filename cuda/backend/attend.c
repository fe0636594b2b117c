#include "cuda/kernels/attend.h"

#include "cuda/backend/batch.h"
#include "cuda/backend/gpu.h"
#include "cuda/backend/table.h"

/* Where the results of the step's rows are left for a product of the type of the one before;
 * nowhere if there is no such place. */
static sks_cuda_rounded place_for_rounded(const sks_gpu *gpu, const sks_batch *batch) {
  const sks_gpu_batch *own = batch->own;
  int32_t rows = own->step.row_count;
  int32_t type = gpu->rounded_type;
  if (rows > sks_gpu_most_rounded(batch) || !sks_cuda_attend_leaves(&own->attention, rows, type))
    return (sks_cuda_rounded){0};
  return (sks_cuda_rounded){own->rounded, sks_gpu_rounded_stride(batch->attention, type), type};
}

int32_t sks_gpu_attend(sks_batch *batch, int32_t layer, const float *queries, int64_t row_stride,
                       int64_t group_stride, const float *sink_logits, float *out) {
  sks_gpu_batch *own = batch->own;
  sks_gpu *gpu = sks_gpu_enter_waiting(batch->attention->device);
  sks_cuda_attend_args args = {queries, row_stride, group_stride, sink_logits, out, {0}};
  sks_gpu_appended *appended = &gpu->waiting.appended;
  bool stores = appended->batch == batch && appended->layer == layer;
  if (stores) appended->batch = NULL;
  cudaError_t error = sks_gpu_launch_waiting(gpu);
  if (error == cudaSuccess && own->tiled)
    error = sks_cuda_attend_tiles(gpu->stream, &own->attention, &own->step, layer, &args,
                                  own->tiles, own->tile_count);
  else if (error == cudaSuccess) {
    args.rounded = place_for_rounded(gpu, batch);
    error = sks_cuda_attend_rows(gpu->stream, &own->attention, &own->step, layer,
                                 stores ? &appended->rows : NULL, &args, batch->most_keys,
                                 own->workspace.memory, own->workspace.bytes, true);
    if (error == cudaSuccess)
      sks_gpu_keep_rounded(gpu, out, own->step.row_count,
                           (int64_t)own->attention.heads * own->attention.head_dim, args.rounded);
    else if (stores)
      gpu->waiting.lost++; /* the append with it */
  }
  return sks_gpu_leave(gpu, error, "sks_attend");
}
