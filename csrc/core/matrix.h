/* Weight matrices and workspaces, as every device has them. */
#ifndef SINKSTREAM_CORE_MATRIX_H
#define SINKSTREAM_CORE_MATRIX_H

#include "core/device.h"
#include "sinkstream/linear.h"

struct sks_weights {
  sks_device *device;
  int64_t rows, columns;
  int64_t bytes; /* that a linear layer with one row reads */
  int32_t part_count;
  int64_t *part_rows; /* [part_count] */
  void *own;          /* of the back end */
};

struct sks_workspace {
  sks_device *device;
  int32_t max_rows, max_columns;
  void *own; /* of the back end */
};

#endif
