#ifndef SINKSTREAM_CORE_CHOICE_H
#define SINKSTREAM_CORE_CHOICE_H

#include "core/device.h"
#include "sinkstream/choice.h"

struct sks_choice {
  sks_device *device;
  int32_t max_rows;
  int32_t rows; /* of the last one; 0: there is none */
  void *own;    /* of the back end */
};

#endif
