/* What becomes of logits: the largest ones, and the loss of a known token. All but the logits is
 * host memory, so that both wait for the device. Errors of both, beside their own, on a GPU:
 * SKS_OUT_OF_MEMORY, SKS_IMPOSSIBLE (while operations are recorded). */
#ifndef SINKSTREAM_SAMPLING_H
#define SINKSTREAM_SAMPLING_H

#include <stdint.h>

#include "sinkstream/device.h"

/*
 * The k largest of each of logits[r, 0..count), largest first, equal ones by lower index, NaN last;
 * indices [rows, k], values [rows, k]. Errors: SKS_INVALID_ARGUMENT (not 1 <= k <= count).
 */
SKS_API int32_t sks_top_k(sks_device *device, const float *logits, int32_t rows, int32_t count,
                          int32_t k, int32_t *indices, float *values);

/*
 * loss[r] = -log softmax(logits[r, 0..count))[targets[r]], the negative log-likelihood in nats,
 * summed in double. Errors: SKS_INVALID_ARGUMENT (a target outside 0..count-1).
 */
SKS_API int32_t sks_nll(sks_device *device, const float *logits, int32_t rows, int32_t count,
                        const int32_t *targets, double *loss);

#endif
