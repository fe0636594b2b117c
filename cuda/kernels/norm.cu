#include "cuda/kernels/linear.h"
#include "cuda/kernels/norm.h"

cudaError_t sks_cuda_normalize(cudaStream_t stream, const sks_norm *norm, const float *x,
                               int32_t rows, int64_t columns, float *y) {
  return sks_cuda_prepare(stream, norm, x, rows, columns, SKS_F32, y, columns, false);
}
