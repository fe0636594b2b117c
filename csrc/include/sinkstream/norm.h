/* Normalisation of each row of x [rows, columns] into y (the same memory is allowed). Statistics in
 * double. */
#ifndef SINKSTREAM_NORM_H
#define SINKSTREAM_NORM_H

#include <stdint.h>

#include "sinkstream/device.h"

/* y = x / sqrt(mean(x^2) + epsilon) * weight (HF LlamaRMSNorm). */
SKS_API int32_t sks_rms_norm(sks_device *device, const float *x, int32_t rows, int32_t columns,
                             const float *weight, float epsilon, float *y);

/* y = (x - mean) / sqrt(variance + epsilon) * weight + bias (torch LayerNorm, biased variance);
 * bias may be NULL. */
SKS_API int32_t sks_layer_norm(sks_device *device, const float *x, int32_t rows, int32_t columns,
                               const float *weight, const float *bias, float epsilon, float *y);

#endif
