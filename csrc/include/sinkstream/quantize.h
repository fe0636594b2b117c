/* Narrowing float32 weights to the types of weight matrices. */
#ifndef SINKSTREAM_QUANTIZE_H
#define SINKSTREAM_QUANTIZE_H

#include <stdint.h>

#include "sinkstream/device.h"
#include "sinkstream/types.h"

/*
 * target = source in `type`, row after row; source [rows, columns] and target [rows, columns]
 * row-major, disjoint, at any alignment. Float types round to nearest, ties to even. Q8_0 and Q4_0
 * take a block's scale from its largest magnitude; Q4_K, Q5_K and Q6_K search the scales (and
 * minima) for the least squared error, in which larger weights count for more. The result does not
 * depend on the number of threads, nor on the instruction set.
 * Both are host memory; a CPU device only. Errors: SKS_UNSUPPORTED (a GPU), SKS_INVALID_ARGUMENT
 * (unknown type, `columns` no whole number of its blocks, a NaN, or a magnitude above what the type
 * holds: 65504 for f16 and for the quantised types, whose scales are f16). Nothing is written then.
 */
SKS_API int32_t sks_quantize(sks_device *device, const float *source, int32_t type, int64_t rows,
                             int64_t columns, void *target);

#endif
