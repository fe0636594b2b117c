/* Arguments that every operation can check. */
#ifndef SINKSTREAM_OPS_CHECK_H
#define SINKSTREAM_OPS_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "core/element.h"
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

/* Refuses a count of elements that is no whole number of the type's blocks. */
static inline int32_t sks_require_blocks(int64_t count, int32_t type, const char *name) {
  int32_t values = sks_block_of(type).values;
  if (count % values == 0) return SKS_OK;
  return sks_fail(SKS_INVALID_ARGUMENT,
                  "%s is %lld; expected a multiple of %d, the block of its type", name,
                  (long long)count, values);
}

#endif
