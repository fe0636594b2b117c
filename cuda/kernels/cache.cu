#include "cuda/kernels/cache.h"
#include "cuda/kernels/device/launch.cuh"

namespace {

enum { ADVANCE_THREADS = 256 };

__global__ void advance(sks_cuda_step step) {
  int row = static_cast<int>(blockIdx.x * ADVANCE_THREADS + threadIdx.x);
  if (row >= step.row_count) return;
  sks_cuda_row entry = step.rows[row];
  if (entry.cache >= 0 && entry.advance > 0) step.positions[entry.cache] += entry.advance;
}

}  // namespace

cudaError_t sks_cuda_step_advance(cudaStream_t stream, const sks_cuda_step *step) {
  int blocks = (step->row_count + ADVANCE_THREADS - 1) / ADVANCE_THREADS;
  return sks_launch(advance, dim3(static_cast<unsigned>(blocks)), ADVANCE_THREADS, 0, stream, false,
                    *step);
}
