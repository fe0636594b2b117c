#include "cuda/kernels/pick.h"

namespace {

__global__ void pick(const float *x, const int32_t *index, float *value) { *value = x[*index]; }

}  // namespace

cudaError_t sks_cuda_pick(cudaStream_t stream, const float *x, const int32_t *index, float *value) {
  pick<<<1, 1, 0, stream>>>(x, index, value);
  return cudaGetLastError();
}
