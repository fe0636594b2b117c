/* Floats that a kernel leaves, once more in 16 bits: for the linear layer that reads them next. As
 * SKS_F16 or SKS_BF16 they are rounded as sks_cuda_prepare (linear.h) rounds rows without a norm.
 * As SKS_CUDA_NUMBERS they are what quantised weights multiply: whole numbers n of 16 bits, x = n
 * scale, a scale for each 32 columns. Those of a row lie in pieces of 8, so that threads that
 * follow each other may take 32 columns each: [4][columns / 32] pieces, piece p of a block of 32
 * columns has its columns 8 p .. 8 p + 7; then the scales, float [columns / 32]. */
#ifndef SINKSTREAM_CUDA_KERNELS_ROUNDED_H
#define SINKSTREAM_CUDA_KERNELS_ROUNDED_H

#include <stdint.h>

#include "core/host_device.h"
#include "core/round_up.h"

/* A type beside those of sinkstream/types.h. */
enum { SKS_CUDA_NUMBERS = -1 };

typedef struct sks_cuda_rounded {
  void *rows;     /* [rows, stride] of device memory, aligned to 16; NULL: none are left */
  int64_t stride; /* in units of 16 bits, a multiple of 8; behind the columns nothing is written */
  int32_t type;   /* SKS_F16, SKS_BF16 or SKS_CUDA_NUMBERS, for columns that are a multiple of 32 */
} sks_cuda_rounded;

/* From one row to the next of SKS_F16 or SKS_BF16: 16 bytes are what products read at once. */
static inline int64_t sks_cuda_rounded_stride(int64_t columns) { return sks_round_up(columns, 8); }

/* Where a row of SKS_CUDA_NUMBERS has the number of a column, in units of 16 bits. */
static inline SKS_HOST_DEVICE int32_t sks_cuda_number_at(int32_t columns, int32_t column) {
  return (column % 32 / 8 * (columns / 32) + column / 32) * 8 + column % 8;
}

/* Of SKS_CUDA_NUMBERS, with the scales. */
static inline int64_t sks_cuda_number_stride(int64_t columns) {
  return sks_round_up(columns + columns / 32 * 2, 8);
}

#endif
