#ifndef SINKSTREAM_OPS_WEIGHTS_H
#define SINKSTREAM_OPS_WEIGHTS_H

#include "core/device.h"
#include "core/element.h"
#include "sinkstream/linear.h"

struct sks_weights {
  int64_t rows, columns;
  int32_t part_count;
  sks_weight_part *parts; /* their biases point into `biases` */
  float *biases;
};

static inline const char *sks_weight_row(const sks_weight_part *part, int64_t row,
                                         int64_t columns) {
  return (const char *)part->data + row * sks_bytes_of(part->type, columns);
}

#endif
