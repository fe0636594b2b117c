/*
 * The linear layer of a batch: rows enough to share a reading of the weights, too few to hide it
 * behind arithmetic.
 *
 * A block multiplies all rows by its tile of channels on the tensor cores (wgmma), x from the left
 * and weights from the right, both out of rings in shared memory that the copy engine fills; of a
 * matrix with few channels, two blocks of a cluster share a tile, half of the columns each. Floor:
 * the matrix's bytes over the card's memory bandwidth.
 */
#ifndef SINKSTREAM_CUDA_KERNELS_LINEAR_BATCH_H
#define SINKSTREAM_CUDA_KERNELS_LINEAR_BATCH_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

#include "cuda/kernels/matrix.h"
#include "cuda/kernels/rounded.h"

#ifdef __cplusplus
extern "C" {
#endif

#include "sinkstream/linear.h"

/* Rows of one launch: those of a product of the tensor cores. */
enum { SKS_CUDA_BATCH_ROWS = 64 };

/* Whether sks_cuda_linear_batch takes the matrix on the current device: f16 or bf16 weights,
 * compute capability 9.0, whose instructions no later card has. */
bool sks_cuda_linear_batches(const sks_cuda_matrix *matrix);

/*
 * As sks_linear (sinkstream/linear.h) for up to SKS_CUDA_BATCH_ROWS rows: x [rows, x_stride] is of
 * the matrix's type, as sks_cuda_prepare writes it, x_stride a multiple of 8; sums are float32, as
 * tensor cores add. A row's result does not depend on the rows beside it, nor on their number. All
 * pointers are of device memory and aligned to 16; y [rows, channels], half of them with
 * SKS_SILU_GATE. `rounded`: y once more, of the matrix's type; none with SKS_ADD. What is not
 * supported: cudaErrorInvalidValue. `overlap` as in linear.h.
 */
cudaError_t sks_cuda_linear_batch(cudaStream_t stream, const sks_cuda_matrix *matrix, const void *x,
                                  int64_t x_stride, int32_t rows, float *y,
                                  sks_cuda_rounded rounded, int32_t output, bool overlap);

#ifdef __cplusplus
}
#endif

#endif
