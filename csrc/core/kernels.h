/*
 * The dispatch table: single-threaded kernels over plain memory. The reference kernels fill every slot first; each
 * instruction set the machine has then puts its own over those it improves. Operations (csrc/ops) check nothing that the
 * public functions have checked, split the work, and call through here.
 */
#ifndef SINKSTREAM_CORE_KERNELS_H
#define SINKSTREAM_CORE_KERNELS_H

#include <stdint.h>

#include "sinkstream/types.h"

/*
 * y[r * y_stride + j] = bias[j] + <w[j], x[r]> for j in [0, n) and r in [0, rows), added to y where `add`.
 * w [n, columns] of the slot's type, x [rows, columns]; bias may be NULL.
 */
typedef void sks_linear_kernel(const void *w, int64_t n, int64_t columns, const float *bias, const float *x,
                               int64_t rows, float *y, int64_t y_stride, int32_t add);

typedef struct sks_kernels {
  const char *isa;

  sks_linear_kernel *linear[SKS_TYPES];
  void (*widen[SKS_TYPES])(const void *source, int64_t count, float *target);
  void (*narrow[SKS_TYPES])(const float *source, int64_t count, void *target);

  void (*rms_norm)(const float *x, int64_t columns, const float *weight, float epsilon, float *y);
  void (*layer_norm)(const float *x, int64_t columns, const float *weight, const float *bias, float epsilon, float *y);

  void (*silu_gate)(const float *gate, const float *up, int64_t count, float *y);
  void (*gelu_exact)(float *x, int64_t count);
  void (*gelu_tanh)(float *x, int64_t count);
  void (*clamp)(float *x, int64_t count, float limit);
  void (*add)(const float *x, int64_t count, float *y);

  int64_t (*argmax)(const float *x, int64_t count);
  double (*log_sum_exp)(const float *x, int64_t count);
} sks_kernels;

/* Each overwrites the slots it has better kernels for. */
void sks_kernels_reference(sks_kernels *table);
void sks_kernels_avx2(sks_kernels *table);
void sks_kernels_avx512(sks_kernels *table);
void sks_kernels_avx512_bf16(sks_kernels *table);

#endif
