/* Weight matrices, the linear layer with what surrounds it, and the embedding lookup. */
#ifndef SINKSTREAM_LINEAR_H
#define SINKSTREAM_LINEAR_H

#include <stdint.h>

#include "sinkstream/device.h"
#include "sinkstream/norm.h"
#include "sinkstream/types.h"

/* One tensor of a stacked matrix: `rows` output channels of `columns` inputs each, row-major. */
typedef struct sks_weight_part {
  const void *data;  /* [rows, columns] of `type`, any alignment; borrowed: must outlive the matrix
                        where it is not packed. A GPU copies it. */
  const float *bias; /* [rows], or NULL for none; copied */
  int64_t rows;
  int32_t type;   /* enum sks_type */
  int32_t packed; /* whether to copy it into the order in which the kernels read it; their input is
                     then rounded to bf16 for bf16 weights, and to 16 bits in blocks of 32 for
                     quantised ones. float32 and float16 are never packed. A GPU copies all weights,
                     and this says what it may round: many rows of input to f16 or bf16, float32
                     weights to f16. Q4_K and Q5_K it holds as f16 always, and so parts of
                     several types and quantised ones of which any but the last has rows that
                     are no multiple of 4; as float32 where one of them stays that. */
} sks_weight_part;

/* A weight matrix [sum of rows, columns]: several tensors stacked, so that Q, K and V are one
 * linear layer. Immutable, thread-safe. */
typedef struct sks_weights sks_weights;

/* Errors: SKS_INVALID_ARGUMENT (no parts, rows or columns < 1, unknown type, columns no whole
 * number of its blocks), SKS_UNSUPPORTED (more columns than a GPU takes, 32,768 at most),
 * SKS_OUT_OF_MEMORY.
 */
SKS_API int32_t sks_weights_create(sks_device *device, int64_t columns,
                                   const sks_weight_part *parts, int32_t part_count,
                                   sks_weights **weights);

/* NULL is allowed. */
SKS_API void sks_weights_destroy(sks_weights *weights);

/* Bytes of this matrix that a linear layer with one row reads. */
SKS_API int64_t sks_weights_bytes(const sks_weights *weights);

/* Room for the input of linear layers in the form their weights take. One thread at a time. */
typedef struct sks_workspace sks_workspace;

/* For inputs of up to max_rows rows of up to max_columns. */
SKS_API int32_t sks_workspace_create(sks_device *device, int32_t max_rows, int32_t max_columns,
                                     sks_workspace **workspace);

/* NULL is allowed. */
SKS_API void sks_workspace_destroy(sks_workspace *workspace);

/* What becomes of z = W norm(x) + b. */
enum sks_output {
  SKS_STORE = 0,      /* y = z */
  SKS_ADD = 1,        /* y += z: the residual connection */
  SKS_SILU_GATE = 2,  /* y = silu(gate) * up, z being gate, then up: a matrix of two parts of equal
                         rows (HF LlamaMLP); y [rows, half the channels] */
  SKS_GELU_EXACT = 3, /* y = gelu(z), with erf */
  SKS_GELU_TANH = 4   /* y = gelu(z), the tanh approximation */
};

/*
 * z[r, j] = bias[j] + sum_i W[j, i] * norm(x)[r, i]; x [rows, columns] and y [rows, channels],
 * float32, row-major and disjoint. `norm` NULL: x as it is. One row streams the weights once; many
 * rows are blocked so that a weight is read once for all. A row's result does not depend on what
 * the rows beside it hold, nor on the number of threads; on a GPU it does, within rounding, on
 * whether there are one, a batch of at most 64, or more.
 * Errors: SKS_INVALID_ARGUMENT (more rows or columns than the workspace has room for, SKS_SILU_GATE
 * with other than two equal parts); on a GPU also SKS_OUT_OF_MEMORY (the first one of its kind) and
 * SKS_IMPOSSIBLE (a recording that would have to make that room).
 */
SKS_API int32_t sks_linear(sks_workspace *workspace, const sks_weights *weights,
                           const sks_norm *norm, const float *x, int32_t rows, float *y,
                           int32_t output);

/*
 * y[r, :] = table[ids[r], :] widened to float32; ids [rows], y [rows, columns]. The table's parts
 * are not packed. Errors: SKS_INVALID_ARGUMENT (an id outside the table, a packed part; nothing is
 * written); on a GPU, which cannot tell in time, an id outside the table gives a row of NaN.
 */
SKS_API int32_t sks_embed(sks_device *device, const sks_weights *table, const int32_t *ids,
                          int32_t rows, float *y);

#endif
