/* A device that records, for tests where there is no GPU: it keeps a GPU's rules and computes
 * nothing. */
#ifndef SINKSTREAM_TESTS_SUPPORT_RECORDER_H
#define SINKSTREAM_TESTS_SUPPORT_RECORDER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/device.h"

typedef struct recorder {
  sks_device base;
  pthread_mutex_t lock; /* recursive: callers wait for each other, a recording from begin to end */
  _Atomic int32_t waiting; /* callers at the lock */
  bool recording;
  bool fail_begin, fail_append, fail_end; /* of recordings, until taken back */
} recorder;

/* Close it with sks_device_close. */
recorder *recorder_open(void);

#endif
