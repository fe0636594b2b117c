#include "sinkstream/clamp.h"

#include "core/backend.h"
#include "ops/check.h"

int32_t sks_clamp(sks_device *device, float *x, int64_t count, float limit) {
  if (!(limit > 0))
    return sks_fail(SKS_INVALID_ARGUMENT, "limit is %g; expected more than 0", (double)limit);
  int32_t status = sks_require_range(count, 0, INT64_MAX / 8, "count");
  if (status == SKS_OK) status = sks_require_pointer(x, "x");
  return status == SKS_OK ? device->backend->clamp(device, x, count, limit) : status;
}
