#include "cuda/kernels/device/launch.cuh"
#include "cuda/kernels/device/weight.cuh"
#include "cuda/kernels/element.h"

namespace {

enum { THREADS = 256 };

__global__ void clamp(float *x, int64_t count, float limit) {
  int64_t step = static_cast<int64_t>(gridDim.x) * THREADS;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * THREADS + threadIdx.x; i < count; i += step)
    x[i] = x[i] > limit ? limit : x[i] < -limit ? -limit : x[i];
}

template <typename weight>
__global__ void embed(sks_cuda_matrix table, const int32_t *ids, float *y) {
  int64_t row = blockIdx.x, item = static_cast<int64_t>(blockIdx.y) * THREADS + threadIdx.x;
  if (item * weight::COLUMNS >= table.columns) return;
  int32_t id = ids[row];
  float x[weight::COLUMNS];
  if (id >= 0 && id < table.rows)
    sks_widen_item<weight>(table, id, item, x);
  else
    for (int i = 0; i < weight::COLUMNS; i++) x[i] = NAN;
  for (int i = 0; i < weight::COLUMNS; i++) {
    int64_t column = item * weight::COLUMNS + i;
    if (column < table.columns) y[row * table.columns + column] = x[i];
  }
}

template <typename weight>
cudaError_t launch(cudaStream_t stream, const sks_cuda_matrix *table, const int32_t *ids,
                   int32_t rows, float *y) {
  int64_t per_block = static_cast<int64_t>(THREADS) * weight::COLUMNS;
  dim3 grid(static_cast<unsigned>(rows),
            static_cast<unsigned>((table->columns + per_block - 1) / per_block));
  return sks_launch(embed<weight>, grid, THREADS, 0, stream, false, *table, ids, y);
}

}  // namespace

cudaError_t sks_cuda_clamp(cudaStream_t stream, float *x, int64_t count, float limit) {
  if (count == 0) return cudaSuccess;
  const int64_t enough = 2048;
  int64_t blocks = (count + THREADS - 1) / THREADS;
  return sks_launch(clamp, dim3(static_cast<unsigned>(blocks < enough ? blocks : enough)), THREADS,
                    0, stream, false, x, count, limit);
}

cudaError_t sks_cuda_embed(cudaStream_t stream, const sks_cuda_matrix *table, const int32_t *ids,
                           int32_t rows, float *y) {
  if (rows == 0) return cudaSuccess;
  switch (table->type) {
    case SKS_F32:
      return launch<sks_weight_f32>(stream, table, ids, rows, y);
    case SKS_F16:
      return launch<sks_weight_f16>(stream, table, ids, rows, y);
    case SKS_BF16:
      return launch<sks_weight_bf16>(stream, table, ids, rows, y);
    case SKS_Q8_0:
      return launch<sks_weight_q8_0>(stream, table, ids, rows, y);
    case SKS_Q4_0:
      return launch<sks_weight_q4_0>(stream, table, ids, rows, y);
    case SKS_Q6_K:
      return launch<sks_weight_q6_k>(stream, table, ids, rows, y);
    default:
      return cudaErrorInvalidValue;
  }
}
