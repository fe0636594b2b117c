#include "core/backend.h"
#include "ops/check.h"

int32_t sks_embed(sks_device *device, const sks_weights *table, const int32_t *ids, int32_t rows,
                  float *y) {
  int32_t status = sks_require_range(rows, 0, INT32_MAX, "rows");
  if (status == SKS_OK) status = sks_require_pointer(ids, "ids");
  if (status == SKS_OK) status = sks_require_pointer(y, "y");
  return status == SKS_OK ? device->backend->embed(device, table, ids, rows, y) : status;
}
