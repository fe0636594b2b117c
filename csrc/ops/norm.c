#include "core/backend.h"
#include "ops/check.h"

int32_t sks_normalize(sks_device *device, const sks_norm *norm, const float *x, int32_t rows,
                      int32_t columns, float *y) {
  int32_t status = sks_require_norm(norm);
  if (status == SKS_OK) status = sks_require_range(rows, 0, INT32_MAX, "rows");
  if (status == SKS_OK) status = sks_require_range(columns, 1, INT32_MAX, "columns");
  if (status == SKS_OK) status = sks_require_pointer(x, "x");
  if (status == SKS_OK) status = sks_require_pointer(y, "y");
  if (status != SKS_OK) return status;
  return device->backend->normalize(device, norm, x, rows, columns, y);
}
