/* Arguments that every operation can check. */
#ifndef SINKSTREAM_OPS_CHECK_H
#define SINKSTREAM_OPS_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "core/fail.h"

static inline int32_t sks_require_pointer(const void *pointer, const char *name) {
  return pointer == NULL ? sks_fail(SKS_INVALID_ARGUMENT, "%s is NULL", name) : SKS_OK;
}

static inline int32_t sks_require_range(int64_t value, int64_t least, int64_t most,
                                        const char *name) {
  if (value >= least && value <= most) return SKS_OK;
  return sks_fail(SKS_INVALID_ARGUMENT, "%s is %lld; expected %lld to %lld", name, (long long)value,
                  (long long)least, (long long)most);
}

#endif
