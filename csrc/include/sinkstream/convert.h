/* Conversion of element types. */
#ifndef SINKSTREAM_CONVERT_H
#define SINKSTREAM_CONVERT_H

#include <stdint.h>

#include "sinkstream/device.h"
#include "sinkstream/types.h"

/* target[i] = source[i] for `count` elements of `type`, at any alignment, widened to float32.
 * Both are host memory; a CPU device only. Errors: SKS_UNSUPPORTED (a GPU), SKS_INVALID_ARGUMENT
 * (unknown type, `count` no whole number of its blocks). */
SKS_API int32_t sks_widen(sks_device *device, const void *source, int32_t type, int64_t count,
                          float *target);

#endif
