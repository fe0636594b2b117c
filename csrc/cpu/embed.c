#include "cpu/cpu.h"
#include "cpu/weights.h"
#include "ops/check.h"

static void embed_row(const sks_kernels *kernels, const sks_weights *table, int64_t id, float *y) {
  const sks_part *part = sks_cpu_matrix_of(table)->parts;
  for (; id >= part->rows; part++) id -= part->rows;
  kernels->widen[part->type](sks_stored_row(part, id, table->columns), table->columns, y);
}

int32_t sks_cpu_embed(sks_device *device, const sks_weights *table, const int32_t *ids,
                      int32_t rows, float *y) {
  int32_t status = SKS_OK;
  for (int32_t i = 0; i < table->part_count && status == SKS_OK; i++)
    status = sks_require_pointer(sks_cpu_matrix_of(table)->parts[i].data, "a packed part's data");
  for (int32_t r = 0; r < rows && status == SKS_OK; r++)
    status = sks_require_range(ids[r], 0, table->rows - 1, "token id");
  if (status != SKS_OK) return status;
  for (int32_t r = 0; r < rows; r++)
    embed_row(&sks_cpu_of(device)->kernels, table, ids[r], y + r * table->columns);
  return SKS_OK;
}
