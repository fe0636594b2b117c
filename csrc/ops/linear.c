#include "core/backend.h"
#include "ops/check.h"

static int32_t check(const sks_workspace *workspace, const sks_weights *weights,
                     const sks_norm *norm, const float *x, int32_t rows, const float *y,
                     int32_t output) {
  int32_t status = sks_require_range(rows, 0, workspace->max_rows, "rows");
  if (status == SKS_OK)
    status = sks_require_range(weights->columns, 1, workspace->max_columns, "columns");
  if (status == SKS_OK) status = sks_require_range(output, SKS_STORE, SKS_GELU_TANH, "output");
  if (status == SKS_OK && norm) status = sks_require_norm(norm);
  if (status == SKS_OK) status = sks_require_pointer(x, "x");
  if (status == SKS_OK) status = sks_require_pointer(y, "y");
  if (status == SKS_OK && output == SKS_SILU_GATE &&
      (weights->part_count != 2 || weights->part_rows[0] != weights->part_rows[1]))
    return sks_fail(
        SKS_INVALID_ARGUMENT,
        "a gated output of %d parts, the first of %lld rows; expected two of equal rows",
        weights->part_count, (long long)weights->part_rows[0]);
  return status;
}

int32_t sks_linear(sks_workspace *workspace, const sks_weights *weights, const sks_norm *norm,
                   const float *x, int32_t rows, float *y, int32_t output) {
  int32_t status = check(workspace, weights, norm, x, rows, y, output);
  if (status != SKS_OK || rows == 0) return status;
  return workspace->device->backend->linear(workspace, weights, norm, x, rows, y, output);
}
