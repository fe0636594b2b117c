/* Arguments that every operation can check. */
#ifndef SINKSTREAM_OPS_CHECK_H
#define SINKSTREAM_OPS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/device.h"
#include "core/element.h"
#include "core/fail.h"
#include "sinkstream/norm.h"

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
  return sks_fail(SKS_INVALID_ARGUMENT, "%s is %lld; expected a multiple of %d, the block of %s",
                  name, (long long)count, values, sks_type_name(type));
}

/* Refuses what no norm is. */
static inline int32_t sks_require_norm(const sks_norm *norm) {
  int32_t status = sks_require_pointer(norm, "norm");
  if (status == SKS_OK)
    status = sks_require_range(norm->kind, SKS_RMS_NORM, SKS_LAYER_NORM, "kind of the norm");
  if (status == SKS_OK) status = sks_require_pointer(norm->weight, "weight of the norm");
  return status;
}

/* Refuses what a device cannot do: its slot of the table is empty. */
static inline int32_t sks_require_slot(const sks_device *device, bool there, const char *name) {
  if (there) return SKS_OK;
  return sks_fail(SKS_UNSUPPORTED, "%s: a %s device cannot do it", name, device->kind);
}

#endif
