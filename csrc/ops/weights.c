#include "core/backend.h"
#include "core/memory.h"
#include "ops/check.h"

static int32_t check(int64_t columns, const sks_weight_part *parts, int32_t part_count) {
  int32_t status = sks_require_range(columns, 1, INT32_MAX, "columns");
  if (status == SKS_OK) status = sks_require_range(part_count, 1, INT32_MAX, "part_count");
  if (status == SKS_OK) status = sks_require_pointer(parts, "parts");
  for (int32_t i = 0; i < part_count && status == SKS_OK; i++) {
    status = sks_require_pointer(parts[i].data, "data of a part");
    if (status == SKS_OK) status = sks_require_range(parts[i].rows, 1, INT32_MAX, "rows of a part");
    if (status == SKS_OK)
      status = sks_require_range(parts[i].type, 0, SKS_TYPES - 1, "type of a part");
    if (status == SKS_OK) status = sks_require_blocks(columns, parts[i].type, "columns");
  }
  return status;
}

int32_t sks_weights_create(sks_device *device, int64_t columns, const sks_weight_part *parts,
                           int32_t part_count, sks_weights **weights) {
  int32_t status = check(columns, parts, part_count);
  if (status != SKS_OK) return status;
  int64_t rows = 0;
  for (int32_t i = 0; i < part_count; i++) rows += parts[i].rows;
  status = sks_require_range(rows, 1, INT32_MAX, "rows of all parts");
  if (status != SKS_OK) return status;

  sks_weights *made = sks_memory_allocate(
      (int64_t)sizeof *made + (int64_t)sizeof *made->part_rows * part_count, "weights");
  if (made == NULL) return SKS_OUT_OF_MEMORY;
  *made = (sks_weights){.device = device,
                        .rows = rows,
                        .columns = columns,
                        .part_count = part_count,
                        .part_rows = (int64_t *)(made + 1)};
  for (int32_t i = 0; i < part_count; i++) made->part_rows[i] = parts[i].rows;
  status = device->backend->weights_create(made, parts);
  if (status != SKS_OK) {
    sks_memory_free(made);
    return status;
  }
  *weights = made;
  return SKS_OK;
}

void sks_weights_destroy(sks_weights *weights) {
  if (weights == NULL) return;
  weights->device->backend->weights_destroy(weights);
  sks_memory_free(weights);
}

int64_t sks_weights_bytes(const sks_weights *weights) { return weights->bytes; }
