/* Numbers kept within limits. */
#ifndef SINKSTREAM_CLAMP_H
#define SINKSTREAM_CLAMP_H

#include <stdint.h>

#include "sinkstream/device.h"

/* x = min(max(x, -limit), limit) in place (MPT's clip_qkv). Errors: SKS_INVALID_ARGUMENT
 * (limit not above 0, count < 0). */
SKS_API int32_t sks_clamp(sks_device *device, float *x, int64_t count, float limit);

#endif
