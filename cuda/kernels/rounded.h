/* Floats that a kernel leaves, once more in 16 bits: for the linear layer that reads them next. */
#ifndef SINKSTREAM_CUDA_KERNELS_ROUNDED_H
#define SINKSTREAM_CUDA_KERNELS_ROUNDED_H

#include <stdint.h>

/* As sks_cuda_prepare (linear.h) rounds rows without a norm; behind their columns nothing is
 * written. */
typedef struct sks_cuda_rounded {
  void *rows;     /* [rows, stride] of device memory, aligned to 16; NULL: none are left */
  int64_t stride; /* a multiple of 8 */
  int32_t type;   /* SKS_F16 or SKS_BF16 */
} sks_cuda_rounded;

/* Elements from one row to the next: 16 bytes are what products read at once. */
static inline int64_t sks_cuda_rounded_stride(int64_t columns) { return (columns + 7) / 8 * 8; }

#endif
