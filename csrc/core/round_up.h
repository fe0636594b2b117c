#ifndef SINKSTREAM_CORE_ROUND_UP_H
#define SINKSTREAM_CORE_ROUND_UP_H

#include <stdint.h>

#include "core/host_device.h"

/* The smallest multiple of `unit` that is no less than n; n >= 0. */
static inline SKS_HOST_DEVICE int64_t sks_round_up(int64_t n, int64_t unit) {
  return (n + unit - 1) / unit * unit;
}

/* n / unit, rounded up; n >= 0. The host's alone. */
static inline int64_t sks_ceil_div(int64_t n, int64_t unit) { return (n + unit - 1) / unit; }

#endif
