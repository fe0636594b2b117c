/* Weights between the order of files and that of device memory. */
#ifndef SINKSTREAM_CUDA_KERNELS_PACK_H
#define SINKSTREAM_CUDA_KERNELS_PACK_H

#include <cuda_runtime_api.h>

#include "cuda/kernels/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Rows [first_row, first_row + rows) of `matrix` become `source`, rows of `type` one behind the
 * other as files hold them (any enum sks_type), in device memory at any alignment. The matrix is of
 * the same type, or of SKS_F16 or SKS_F32, to which every type is widened. Rows can come in pieces,
 * in any order.
 */
cudaError_t sks_cuda_pack(cudaStream_t stream, const void *source, int32_t type, int64_t first_row,
                          int64_t rows, const sks_cuda_matrix *matrix);

/*
 * target[r * target_stride + c] = row first_row + r, column c of `matrix`, as f16 or bf16
 * (target_type), for matrix products of many rows. target_stride in elements; target is aligned to
 * 16.
 */
cudaError_t sks_cuda_expand(cudaStream_t stream, const sks_cuda_matrix *matrix, int64_t first_row,
                            int64_t rows, int32_t target_type, void *target, int64_t target_stride);

#ifdef __cplusplus
}
#endif

#endif
