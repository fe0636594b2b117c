#ifndef SINKSTREAM_CORE_RECORDING_H
#define SINKSTREAM_CORE_RECORDING_H

#include <stdbool.h>

#include "core/batch.h"
#include "core/device.h"
#include "sinkstream/recording.h"

struct sks_recording {
  sks_device *device;
  sks_batch *batch;  /* whose layers it appends and attends with, or NULL */
  int32_t rows;      /* of that batch's step when it was recorded, padding included */
  int32_t type;      /* of its keys and values */
  int64_t most_keys; /* of the batch then */
  bool *appended;    /* [layers] of the batch: which ones it appends */
  void *own;         /* of the back end */
  /* While it is in progress: the one, of another device, that its thread had begun before. */
  sks_recording *outer;
};

/* The recording that the calling thread has in progress on the device, or NULL. Other threads' are
 * nobody's business: their operations wait for its end. */
sks_recording *sks_recording_in_progress(const sks_device *device);

#endif
