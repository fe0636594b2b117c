/* Numbers kept within limits. */
#ifndef SINKSTREAM_CLAMP_H
#define SINKSTREAM_CLAMP_H

#include <stdint.h>

#include "sinkstream/device.h"

/* x = min(max(x, -limit), limit) in place (MPT's clip_qkv); limit > 0. */
SKS_API int32_t sks_clamp(sks_device *device, float *x, int64_t count, float limit);

#endif
