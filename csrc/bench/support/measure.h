/* Time, and what the machine itself can do, which is what every figure is held against. */
#ifndef SINKSTREAM_BENCH_SUPPORT_MEASURE_H
#define SINKSTREAM_BENCH_SUPPORT_MEASURE_H

#include <stdint.h>

#include "sinkstream/device.h"

double seconds(void);

/* Sorts the times. */
double median(double *times, int count);

/* The median time of `repeats` calls, at most 64, after one that is not counted. */
double median_time(void (*call)(void *argument), void *argument, int repeats);

/* Ends the program with the last error. */
void check(int32_t status);

/*
 * How long all threads together take to read the buffer (sks_buffer_read): the floor of what must
 * read it, when it is larger than the processor's caches.
 */
double read_seconds(sks_device *device, const void *buffer, int64_t bytes);

/*
 * Operations per second (a fused multiply-add is two) of all threads together, on the widest
 * vectors the machine has; NaN where that is not known for its architecture.
 */
double fma_rate(sks_device *device);

#endif
