#include "ops/weights.h"

#include <string.h>

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
      status = sks_require_range(parts[i].type, 0, SKS_FLOAT_TYPES - 1, "type of a part");
    if (status == SKS_OK) status = sks_require_blocks(columns, parts[i].type, "columns");
  }
  return status;
}

int32_t sks_weights_create(sks_device *device, int64_t columns, const sks_weight_part *parts,
                           int32_t part_count, sks_weights **weights) {
  (void)device;
  int32_t status = check(columns, parts, part_count);
  if (status != SKS_OK) return status;
  int64_t rows = 0, biased_rows = 0;
  for (int32_t i = 0; i < part_count; i++) {
    rows += parts[i].rows;
    biased_rows += parts[i].bias ? parts[i].rows : 0;
  }
  status = sks_require_range(rows, 1, INT32_MAX, "rows of all parts");
  if (status != SKS_OK) return status;

  sks_weights *made = sks_memory_allocate(sizeof *made, "weights");
  sks_weight_part *copies = sks_memory_allocate((int64_t)sizeof *copies * part_count, "weights");
  float *biases = sks_memory_allocate((int64_t)sizeof *biases * biased_rows, "biases");
  if (!made || !copies || !biases) {
    sks_memory_free(made);
    sks_memory_free(copies);
    sks_memory_free(biases);
    return SKS_OUT_OF_MEMORY;
  }
  *made = (sks_weights){.rows = rows,
                        .columns = columns,
                        .part_count = part_count,
                        .parts = copies,
                        .biases = biases};
  memcpy(copies, parts, sizeof *copies * (size_t)part_count);
  for (int32_t i = 0; i < part_count; i++) {
    if (parts[i].bias) {
      memcpy(biases, parts[i].bias, sizeof *biases * (size_t)parts[i].rows);
      copies[i].bias = biases;
      biases += parts[i].rows;
    }
  }
  *weights = made;
  return SKS_OK;
}

void sks_weights_destroy(sks_weights *weights) {
  if (weights) {
    sks_memory_free(weights->parts);
    sks_memory_free(weights->biases);
    sks_memory_free(weights);
  }
}
