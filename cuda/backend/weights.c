#include "cuda/backend/weights.h"

#include <string.h>

#include "core/element.h"
#include "core/memory.h"
#include "core/round_up.h"
#include "cuda/backend/gpu.h"
#include "cuda/backend/table.h"
#include "cuda/kernels/linear.h"
#include "cuda/kernels/pack.h"

/* What a part becomes on the device. Java says the same of parts and matrices before a model is
 * loaded (kernels/GpuLayout.java); CudaTest compares. */
static int32_t held_type(const sks_weight_part *part) {
  if (!sks_cuda_holds(part->type)) return SKS_F16;
  return part->type == SKS_F32 && part->packed ? SKS_F16 : part->type;
}

/* What all parts can become. Quantised rows lie by tiles, and a gate's other half begins with one.
 */
static int32_t common_type(const sks_weight_part *parts, int32_t part_count) {
  int32_t common = held_type(&parts[0]);
  for (int32_t i = 1; i < part_count; i++) {
    int32_t type = held_type(&parts[i]);
    bool begins_tile = parts[i - 1].rows % SKS_CUDA_ROW_TILE == 0;
    if (type != common || (sks_cuda_scale_columns(type) > 0 && !begins_tile))
      common = type == SKS_F32 || common == SKS_F32 ? SKS_F32 : SKS_F16;
  }
  return common;
}

static int32_t open_stages(sks_gpu *gpu) {
  for (int i = 0; i < SKS_GPU_STAGES; i++) {
    sks_gpu_stage *stage = &gpu->stages[i];
    if (stage->free != NULL) continue;
    const char *what = "room for uploads";
    int32_t status = SKS_OK;
    if (stage->device == NULL)
      status = sks_gpu_allocate(gpu, SKS_GPU_STAGE_BYTES, what, (void **)&stage->device);
    if (status == SKS_OK && stage->pinned == NULL)
      status = sks_gpu_pinned(gpu, SKS_GPU_STAGE_BYTES, what, (void **)&stage->pinned);
    if (status == SKS_OK)
      status =
          sks_gpu_check(gpu, cudaEventCreateWithFlags(&stage->free, cudaEventDisableTiming), what);
    if (status != SKS_OK) return status;
  }
  return SKS_OK;
}

/* Some rows of a part, as they are stored, to where the matrix has them. The next piece is read
 * from its file while this one is on its way. */
static cudaError_t upload_piece(sks_gpu *gpu, sks_gpu_stage *stage, const sks_cuda_matrix *matrix,
                                const char *from, int32_t type, int64_t first, int64_t rows) {
  size_t bytes = (size_t)(rows * sks_bytes_of(type, matrix->columns));
  cudaError_t error = cudaEventSynchronize(stage->free);
  if (error != cudaSuccess) return error;
  memcpy(stage->pinned, from, bytes);
  error = cudaMemcpyAsync(stage->device, stage->pinned, bytes, cudaMemcpyHostToDevice, gpu->stream);
  if (error == cudaSuccess) error = cudaEventRecord(stage->free, gpu->stream);
  if (error == cudaSuccess)
    error = sks_cuda_pack(gpu->stream, stage->device, type, first, rows, matrix);
  return error;
}

static int32_t upload_part(sks_gpu *gpu, const sks_cuda_matrix *matrix, const sks_weight_part *part,
                           int64_t first) {
  int64_t row_bytes = sks_bytes_of(part->type, matrix->columns);
  int64_t at_once = SKS_GPU_STAGE_BYTES / row_bytes;
  if (at_once == 0)
    return sks_fail(SKS_UNSUPPORTED, "a row of weights takes %lld bytes; expected at most %d",
                    (long long)row_bytes, SKS_GPU_STAGE_BYTES);
  cudaError_t error = cudaSuccess;
  int stage = 0;
  for (int64_t row = 0; row < part->rows && error == cudaSuccess; row += at_once) {
    int64_t rows = part->rows - row < at_once ? part->rows - row : at_once;
    error = upload_piece(gpu, &gpu->stages[stage], matrix,
                         (const char *)part->data + row * row_bytes, part->type, first + row, rows);
    stage = (stage + 1) % SKS_GPU_STAGES;
  }
  return sks_gpu_check(gpu, error, "weights");
}

static int32_t upload(sks_gpu *gpu, const sks_weights *weights, const sks_weight_part *parts,
                      const sks_cuda_matrix *matrix) {
  int32_t status = open_stages(gpu);
  int64_t first = 0;
  for (int32_t i = 0; i < weights->part_count && status == SKS_OK; i++) {
    status = upload_part(gpu, matrix, &parts[i], first);
    if (status == SKS_OK && parts[i].bias != NULL)
      status = sks_gpu_check(gpu,
                             cudaMemcpyAsync((float *)matrix->bias + first, parts[i].bias,
                                             (size_t)parts[i].rows * sizeof(float),
                                             cudaMemcpyHostToDevice, gpu->stream),
                             "a bias");
    first += parts[i].rows;
  }
  /* Or a fault here would be told by a call that has nothing to do with it. */
  if (status == SKS_OK) status = sks_gpu_check(gpu, cudaStreamSynchronize(gpu->stream), "weights");
  return status;
}

/* Refuses what no token could be multiplied with. */
static int32_t check_columns(sks_gpu *gpu, const sks_weights *weights, int32_t type) {
  int32_t most;
  int32_t status = sks_gpu_check(gpu, sks_cuda_linear_most_columns(type, &most), "weights");
  if (status != SKS_OK || weights->columns <= most) return status;
  return sks_fail(SKS_UNSUPPORTED,
                  "weights of %lld rows have %lld columns; expected at most %d on %s",
                  (long long)weights->rows, (long long)weights->columns, most, gpu->name);
}

int32_t sks_gpu_weights_create(sks_weights *weights, const sks_weight_part *parts) {
  sks_gpu_matrix *made = sks_memory_allocate(sizeof *made, "weights");
  if (made == NULL) return SKS_OUT_OF_MEMORY;
  sks_gpu *gpu = sks_gpu_enter(weights->device);
  int64_t rows = weights->rows, columns = weights->columns;
  int32_t type = common_type(parts, weights->part_count);
  bool biased = false;
  for (int32_t i = 0; i < weights->part_count; i++) {
    biased |= parts[i].bias != NULL;
    made->exact |= !parts[i].packed;
  }
  int64_t elements = sks_round_up(sks_cuda_element_bytes(type, rows, columns), 256);
  int64_t scales = sks_round_up(sks_cuda_scale_bytes(type, rows, columns), 256);
  int64_t bias = biased ? rows * (int64_t)sizeof(float) : 0;
  int32_t status = check_columns(gpu, weights, type);
  if (status == SKS_OK)
    status = sks_gpu_allocate(gpu, elements + scales + bias, "a matrix of weights", &made->memory);
  if (status == SKS_OK) {
    char *memory = made->memory;
    made->matrix =
        (sks_cuda_matrix){.type = type,
                          .rows = rows,
                          .columns = columns,
                          .elements = memory,
                          .scales = scales > 0 ? memory + elements : NULL,
                          .bias = biased ? (const float *)(memory + elements + scales) : NULL};
    status = upload(gpu, weights, parts, &made->matrix);
  }
  if (status != SKS_OK) {
    sks_gpu_free(gpu, made->memory);
    sks_memory_free(made);
    return sks_gpu_leave_with(gpu, status);
  }
  weights->own = made;
  weights->bytes =
      sks_cuda_element_bytes(type, rows, columns) + sks_cuda_scale_bytes(type, rows, columns);
  return sks_gpu_leave_with(gpu, SKS_OK);
}

void sks_gpu_weights_destroy(sks_weights *weights) {
  sks_gpu_matrix *made = weights->own;
  sks_gpu *gpu = sks_gpu_enter(weights->device);
  sks_gpu_free(gpu, made->memory);
  sks_gpu_leave_silently(gpu);
  sks_memory_free(made);
}
