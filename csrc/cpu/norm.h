#ifndef SINKSTREAM_CPU_NORM_H
#define SINKSTREAM_CPU_NORM_H

#include "core/kernels.h"
#include "sinkstream/norm.h"

/* y = norm(x) of one row. */
void sks_norm_row(const sks_kernels *kernels, const sks_norm *norm, const float *x, int64_t columns,
                  float *y);

#endif
