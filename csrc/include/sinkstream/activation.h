/* Element-wise operations on float32. */
#ifndef SINKSTREAM_ACTIVATION_H
#define SINKSTREAM_ACTIVATION_H

#include <stdint.h>

#include "sinkstream/device.h"

/* y[r, i] = silu(x[r, i]) * x[r, columns + i]: x [rows, 2 * columns] is gate and up side by side
 * (HF LlamaMLP). */
SKS_API int32_t sks_silu_gate(sks_device *device, const float *x, int32_t rows, int32_t columns,
                              float *y);

enum sks_gelu_kind { SKS_GELU_EXACT = 0, SKS_GELU_TANH = 1 };

/* x = gelu(x) in place: with erf, or the tanh approximation. */
SKS_API int32_t sks_gelu(sks_device *device, float *x, int64_t count, int32_t kind);

/* x = min(max(x, -limit), limit) in place (MPT's clip_qkv); limit > 0. */
SKS_API int32_t sks_clamp(sks_device *device, float *x, int64_t count, float limit);

/* y += x. */
SKS_API int32_t sks_add(sks_device *device, const float *x, int64_t count, float *y);

#endif
