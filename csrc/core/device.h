#ifndef SINKSTREAM_CORE_DEVICE_H
#define SINKSTREAM_CORE_DEVICE_H

#include "core/kernels.h"
#include "core/pool.h"
#include "sinkstream/device.h"

struct sks_device {
  sks_pool *pool;
  sks_kernels kernels; /* the table: no slot is ever NULL */
};

#endif
