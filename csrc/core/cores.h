/* How many processor cores this process may use. */
#ifndef SINKSTREAM_CORE_CORES_H
#define SINKSTREAM_CORE_CORES_H

#include <stdint.h>

/* At least 1: those of its affinity mask, or fewer where a control group limits its time. */
int32_t sks_usable_cores(void);

/*
 * The cores that a quota amounts to, rounded up, by a file as Linux's control groups write it:
 * microseconds of time in each period, "max 100000" or "150000 100000". INT32_MAX where there is no
 * limit or no such file.
 */
int32_t sks_quota_cores(const char *path);

#endif
