/* Normalisation of each row of x [rows, columns] into y (the same memory is allowed). Statistics in
 * double on a CPU, in float32 on a GPU. */
#ifndef SINKSTREAM_NORM_H
#define SINKSTREAM_NORM_H

#include <stdint.h>

#include "sinkstream/device.h"

enum sks_norm_kind {
  SKS_RMS_NORM = 0,  /* y = x / sqrt(mean(x^2) + epsilon) * weight (HF LlamaRMSNorm) */
  SKS_LAYER_NORM = 1 /* y = (x - mean) / sqrt(variance + epsilon) * weight + bias (torch LayerNorm,
                        biased variance) */
};

/* A normalisation with its learned parameters, which are device memory. */
typedef struct sks_norm {
  const float *weight; /* [columns] */
  const float *bias;   /* [columns], or NULL for none; SKS_LAYER_NORM only */
  float epsilon;
  int32_t kind; /* enum sks_norm_kind */
} sks_norm;

/* y = norm(x). Errors: SKS_INVALID_ARGUMENT (unknown kind, columns < 1). */
SKS_API int32_t sks_normalize(sks_device *device, const sks_norm *norm, const float *x,
                              int32_t rows, int32_t columns, float *y);

#endif
