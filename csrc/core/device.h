#ifndef SINKSTREAM_CORE_DEVICE_H
#define SINKSTREAM_CORE_DEVICE_H

#include "sinkstream/device.h"

typedef struct sks_backend sks_backend;

/* What every device has; a back end's own struct begins with it. */
struct sks_device {
  const sks_backend *backend;
  const char *kind; /* "cpu" or "cuda" */
  const char *name; /* of the processor or the card */
  const char *isa;  /* what the kernels in use need */
  int32_t threads;  /* of the host, that an operation uses */
};

#endif
