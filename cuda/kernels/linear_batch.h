/*
 * The linear layer of a batch: rows enough to share a reading of the weights, too few to hide it
 * behind arithmetic.
 *
 * A cluster of blocks shares each tile of channels: every block multiplies its part of the columns
 * on the tensor cores, so that the input, which all clusters read, passes to a processor once a
 * tile; then the blocks add their sums, in order, out of each other's shared memory. Weights and
 * input come through a ring in shared memory. Floor: the matrix's bytes over the card's memory
 * bandwidth.
 */
#ifndef SINKSTREAM_CUDA_KERNELS_LINEAR_BATCH_H
#define SINKSTREAM_CUDA_KERNELS_LINEAR_BATCH_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

#include "cuda/kernels/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

#include "sinkstream/linear.h"

/* Rows of one launch; with more, what the blocks exchange takes longer than a library's matrix
 * product. */
enum { SKS_CUDA_BATCH_ROWS = 16 };

/* Whether sks_cuda_linear_batch takes the matrix on the current device: f16 or bf16 weights,
 * compute capability 9.0. */
bool sks_cuda_linear_batches(const sks_cuda_matrix *matrix);

/*
 * As sks_linear (sinkstream/linear.h) for up to SKS_CUDA_BATCH_ROWS rows: x [rows, x_stride] is of
 * the matrix's type, as sks_cuda_prepare writes it, x_stride a multiple of 8; sums are float32. A
 * row's result does not depend on the rows beside it, nor on their number. All pointers are of
 * device memory and aligned to 16; y [rows, channels], half of them with SKS_SILU_GATE. What is not
 * supported: cudaErrorInvalidValue. `overlap` as in linear.h.
 */
cudaError_t sks_cuda_linear_batch(cudaStream_t stream, const sks_cuda_matrix *matrix, const void *x,
                                  int64_t x_stride, int32_t rows, float *y, int32_t output,
                                  bool overlap);

#ifdef __cplusplus
}
#endif

#endif
