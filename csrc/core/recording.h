#ifndef SINKSTREAM_CORE_RECORDING_H
#define SINKSTREAM_CORE_RECORDING_H

#include <stdbool.h>

#include "core/batch.h"
#include "core/device.h"

struct sks_recording {
  sks_device *device;
  sks_batch *batch;  /* whose layers it appends, or NULL */
  int32_t rows;      /* of that batch's step when it was recorded, padding included */
  int64_t most_keys; /* of the batch then */
  bool *appended;    /* [layers] of the batch: which ones it appends */
  void *own;         /* of the back end */
};

#endif
