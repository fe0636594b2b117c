#ifndef SINKSTREAM_CORE_FAIL_H
#define SINKSTREAM_CORE_FAIL_H

#include <stdint.h>

#include "sinkstream/status.h"

/* Sets the calling thread's last error and returns `status`. */
__attribute__((format(printf, 2, 3))) int32_t sks_fail(int32_t status, const char *format, ...);

#endif
