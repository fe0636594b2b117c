#include "sinkstream/quantize.h"

#include "core/backend.h"
#include "ops/check.h"

int32_t sks_quantize(sks_device *device, const float *source, int32_t type, int64_t rows,
                     int64_t columns, void *target) {
  int32_t status = sks_require_range(type, 0, SKS_TYPES - 1, "type");
  if (status == SKS_OK) status = sks_require_range(rows, 0, INT32_MAX, "rows");
  if (status == SKS_OK) status = sks_require_range(columns, 1, INT32_MAX, "columns");
  if (status == SKS_OK) status = sks_require_blocks(columns, type, "columns");
  if (status == SKS_OK) status = sks_require_pointer(source, "source");
  if (status == SKS_OK) status = sks_require_pointer(target, "target");
  if (status == SKS_OK)
    status = sks_require_slot(device, device->backend->quantize != NULL, "sks_quantize");
  if (status != SKS_OK) return status;
  return device->backend->quantize(device, source, type, rows, columns, target);
}
