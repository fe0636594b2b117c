#ifndef SINKSTREAM_OPS_WEIGHTS_H
#define SINKSTREAM_OPS_WEIGHTS_H

#include "core/device.h"
#include "sinkstream/linear.h"

struct sks_weights {
  int64_t rows, columns;
  int32_t part_count;
  sks_weight_part *parts; /* their biases point into `biases` */
  float *biases;
};

static inline int64_t sks_type_bytes(int32_t type) { return type == SKS_F32 ? 4 : 2; }

static inline const char *sks_weight_row(const sks_weight_part *part, int64_t row,
                                         int64_t columns) {
  return (const char *)part->data + row * columns * sks_type_bytes(part->type);
}

#endif
