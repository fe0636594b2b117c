#include "sinkstream/sampling.h"

#include "core/backend.h"
#include "ops/check.h"

static int32_t check(const float *logits, int32_t rows, int32_t count) {
  int32_t status = sks_require_range(rows, 0, INT32_MAX, "rows");
  if (status == SKS_OK) status = sks_require_range(count, 1, INT32_MAX, "count");
  if (status == SKS_OK) status = sks_require_pointer(logits, "logits");
  return status;
}

int32_t sks_top_k(sks_device *device, const float *logits, int32_t rows, int32_t count, int32_t k,
                  int32_t *indices, float *values) {
  int32_t status = check(logits, rows, count);
  if (status == SKS_OK) status = sks_require_range(k, 1, count, "k");
  if (status == SKS_OK) status = sks_require_pointer(indices, "indices");
  if (status == SKS_OK) status = sks_require_pointer(values, "values");
  if (status != SKS_OK) return status;
  return device->backend->top_k(device, logits, rows, count, k, indices, values);
}

int32_t sks_nll(sks_device *device, const float *logits, int32_t rows, int32_t count,
                const int32_t *targets, double *loss) {
  int32_t status = check(logits, rows, count);
  if (status == SKS_OK) status = sks_require_pointer(targets, "targets");
  if (status == SKS_OK) status = sks_require_pointer(loss, "loss");
  for (int32_t r = 0; r < rows && status == SKS_OK; r++) {
    status = sks_require_range(targets[r], 0, count - 1, "target");
  }
  if (status != SKS_OK) return status;
  return device->backend->nll(device, logits, rows, count, targets, loss);
}
