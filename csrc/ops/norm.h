#ifndef SINKSTREAM_OPS_NORM_H
#define SINKSTREAM_OPS_NORM_H

#include "core/kernels.h"
#include "sinkstream/norm.h"

/* Refuses what no norm is. */
int32_t sks_norm_check(const sks_norm *norm);

/* y = norm(x) of one row. */
void sks_norm_row(const sks_kernels *kernels, const sks_norm *norm, const float *x, int64_t columns,
                  float *y);

#endif
