#include "sinkstream/convert.h"

#include "core/backend.h"
#include "ops/check.h"

int32_t sks_widen(sks_device *device, const void *source, int32_t type, int64_t count,
                  float *target) {
  int32_t status = sks_require_range(type, 0, SKS_TYPES - 1, "type");
  if (status == SKS_OK) status = sks_require_range(count, 0, INT64_MAX / 4, "count");
  if (status == SKS_OK) status = sks_require_blocks(count, type, "count");
  if (status == SKS_OK) status = sks_require_pointer(source, "source");
  if (status == SKS_OK) status = sks_require_pointer(target, "target");
  if (status == SKS_OK)
    status = sks_require_slot(device, device->backend->widen != NULL, "sks_widen");
  return status == SKS_OK ? device->backend->widen(device, source, type, count, target) : status;
}
