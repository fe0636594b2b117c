#include "core/fail.h"
#include "cpu/cpu.h"
#include "cpu/weights.h"

static void embed_row(const sks_kernels *kernels, const sks_weights *table, int64_t id, float *y) {
  const sks_part *part = sks_cpu_matrix_of(table)->parts;
  for (; id >= part->rows; part++) id -= part->rows;
  kernels->widen[part->type](sks_stored_row(part, id, table->columns), table->columns, y);
}

int32_t sks_cpu_embed(sks_device *device, const sks_weights *table, const int32_t *ids,
                      int32_t rows, float *y) {
  for (int32_t i = 0; i < table->part_count; i++)
    if (!sks_cpu_matrix_of(table)->parts[i].data)
      return sks_fail(SKS_INVALID_ARGUMENT,
                      "the embedding is packed; expected weights as they are stored");
  for (int32_t r = 0; r < rows; r++)
    if (ids[r] < 0 || ids[r] >= table->rows)
      return sks_fail(SKS_INVALID_ARGUMENT, "token id is %d; expected 0 to %lld", ids[r],
                      (long long)table->rows - 1);
  for (int32_t r = 0; r < rows; r++)
    embed_row(&sks_cpu_of(device)->kernels, table, ids[r], y + r * table->columns);
  return SKS_OK;
}
