/* Weight matrices, the linear layer and the embedding lookup. */
#ifndef SINKSTREAM_LINEAR_H
#define SINKSTREAM_LINEAR_H

#include <stdint.h>

#include "sinkstream/device.h"
#include "sinkstream/types.h"

/* One tensor of a stacked matrix: `rows` output channels of `columns` inputs each, row-major. */
typedef struct sks_weight_part {
  const void
      *data; /* [rows, columns] of `type`; borrowed: must outlive the matrix; any alignment */
  const float *bias; /* [rows], or NULL for none; copied */
  int64_t rows;
  int32_t type;     /* enum sks_type */
  int32_t reserved; /* 0 */
} sks_weight_part;

/* A weight matrix [sum of rows, columns]: several tensors stacked, so that Q, K and V are one
 * linear layer. */
typedef struct sks_weights sks_weights;

/* Errors: SKS_INVALID_ARGUMENT (no parts, rows or columns < 1, unknown type, columns no whole
 * number of its blocks), SKS_OUT_OF_MEMORY. */
SKS_API int32_t sks_weights_create(sks_device *device, int64_t columns,
                                   const sks_weight_part *parts, int32_t part_count,
                                   sks_weights **weights);

/* NULL is allowed. */
SKS_API void sks_weights_destroy(sks_weights *weights);

/* What a linear layer does with the values already in y. */
enum sks_output { SKS_STORE = 0, SKS_ADD = 1 /* the residual connection */ };

/*
 * y[r, j] = bias[j] + sum_i W[j, i] * x[r, i], or += with SKS_ADD; x [rows, columns], y [rows, sum
 * of rows], both float32 row-major and disjoint. One row streams the weights once; many rows are
 * blocked so that a weight is read once for all. The order of summation does not depend on the
 * number of threads.
 */
SKS_API int32_t sks_linear(sks_device *device, const sks_weights *weights, const float *x,
                           int32_t rows, float *y, int32_t output);

/*
 * y[r, :] = table[ids[r], :] widened to float32; ids [rows], y [rows, columns].
 * Errors: SKS_INVALID_ARGUMENT (an id outside the table; nothing is written).
 */
SKS_API int32_t sks_embed(sks_device *device, const sks_weights *table, const int32_t *ids,
                          int32_t rows, float *y);

#endif
