/*
 * The linear layer of one row or a few, with the norm before it and what becomes of its output.
 *
 * A block sums tiles of four rows of the matrix, or of one where rows are very wide, its threads
 * side by side over the columns, so that the input stays in registers; weights come through a ring
 * in shared memory that is always full. Floor: the matrix's bytes over the card's memory bandwidth.
 * Sums are float32: weights of float types are widened and multiply the float32 input; quantised
 * ones multiply, as integers, the input rounded to whole numbers of 16 bits, with a scale for each
 * 32 columns (as precise as on the CPU, core/panel.h). An RMS norm's division comes after the sums.
 *
 * That is linear.cu: up to SKS_CUDA_FEW_ROWS rows, and more where nothing else can. linear_batch.cu
 * takes 2 to SKS_CUDA_BATCH_ROWS rows of 16-bit weights on Hopper, a library the rest;
 * linear_many.cu is what comes before both (prepare) and after the library (finish).
 * cuda/backend/linear.c chooses.
 */
#ifndef SINKSTREAM_CUDA_KERNELS_LINEAR_H
#define SINKSTREAM_CUDA_KERNELS_LINEAR_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

#include "cuda/kernels/matrix.h"
#include "cuda/kernels/rounded.h"

#ifdef __cplusplus
extern "C" {
#endif

#include "sinkstream/linear.h"
#include "sinkstream/norm.h"

/* Rows up to which this is faster than rounding the input and a library's matrix product where
 * linear_batch.h does not take the matrix; any number is right. */
enum { SKS_CUDA_FEW_ROWS = 4 };

/* Widest matrix that sks_cuda_linear takes. Where a block has but 99 KB of shared memory: 24,736
 * columns of F32, 27,136 of Q6_K and 29,152 of Q8_0. */
enum { SKS_CUDA_MOST_COLUMNS = 32768 };

/* The same of the current device, for matrices of a type that sks_cuda_holds. */
cudaError_t sks_cuda_linear_most_columns(int32_t type, int32_t *columns);

/*
 * As sks_linear (sinkstream/linear.h). A row's result does not depend on the rows beside it. All
 * pointers are of device memory, those of `norm` too, and aligned to 16; `norm` may be NULL. With
 * SKS_SILU_GATE the matrix holds the gate's rows, then as many of `up`; quantised, their number is
 * a multiple of SKS_CUDA_ROW_TILE. `left`: x once more as SKS_CUDA_NUMBERS, which are taken instead
 * with the same result, for quantised weights without a norm; rows NULL: it is not there. Anything
 * else that is not supported: cudaErrorInvalidValue.
 *
 * `overlap`: the kernel may start before the one launched before it in the stream has ended, and
 * loads weights meanwhile; it touches x and y only after that. Without it, launches are ordered as
 * always. Needs compute capability 9.0; ignored below.
 */
cudaError_t sks_cuda_linear(cudaStream_t stream, const sks_cuda_matrix *matrix,
                            const sks_norm *norm, const float *x, sks_cuda_rounded left,
                            int32_t rows, float *y, int32_t output, bool overlap);

/*
 * The same around a matrix product of linear_batch.h or of a library. First prepare: target [rows,
 * target_stride] of `type` (SKS_F16, SKS_BF16 or SKS_F32) = norm(x) rounded, zero from `columns` to
 * target_stride. f16 holds at most 65504: larger ones become that, so that no infinity is born
 * here. Then a library's z [rows, channels], float32, goes through sks_cuda_finish.
 */
cudaError_t sks_cuda_prepare(cudaStream_t stream, const sks_norm *norm, const float *x,
                             int32_t rows, int64_t columns, int32_t type, void *target,
                             int64_t target_stride, bool overlap);

/*
 * What becomes of z [rows, channels] + bias, as enum sks_output says; y [rows, channels], with
 * SKS_SILU_GATE [rows, channels / 2]. y may be z but with SKS_SILU_GATE. `bias` may be NULL.
 */
cudaError_t sks_cuda_finish(cudaStream_t stream, const float *z, const float *bias, int32_t rows,
                            int64_t channels, float *y, int32_t output, bool overlap);

#ifdef __cplusplus
}
#endif

#endif
