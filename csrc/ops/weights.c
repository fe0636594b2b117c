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
      status = sks_require_range(parts[i].type, 0, SKS_TYPES - 1, "type of a part");
    if (status == SKS_OK) status = sks_require_blocks(columns, parts[i].type, "columns");
  }
  return status;
}

static int32_t input_of(int32_t type, bool packed) {
  if (!packed) return SKS_INPUT_FLOATS;
  return type == SKS_BF16 ? SKS_INPUT_BF16 : SKS_INPUT_BLOCKS;
}

/* Fills in a part, its bias copied to `bias`. */
static int32_t make_part(sks_device *device, int64_t columns, const sks_weight_part *from,
                         float *bias, sks_part *part) {
  bool packed = from->packed && sks_packs(from->type);
  part->rows = from->rows;
  part->type = from->type;
  part->input = input_of(from->type, packed);
  if (from->bias) {
    memcpy(bias, from->bias, sizeof *bias * (size_t)from->rows);
    part->bias = bias;
  }
  if (!packed) {
    part->data = from->data;
    return SKS_OK;
  }
  char *panels =
      sks_memory_allocate(sks_packed_bytes(from->type, from->rows, columns), "packed weights");
  if (panels == NULL) return SKS_OUT_OF_MEMORY;
  sks_pack(device, from->type, from->data, from->rows, columns, panels);
  part->panels = panels;
  return SKS_OK;
}

int32_t sks_weights_create(sks_device *device, int64_t columns, const sks_weight_part *parts,
                           int32_t part_count, sks_weights **weights) {
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
  if (made == NULL) return SKS_OUT_OF_MEMORY;
  made->rows = rows;
  made->columns = columns;
  made->parts = sks_memory_allocate((int64_t)sizeof *made->parts * part_count, "weights");
  made->biases = sks_memory_allocate((int64_t)sizeof(float) * biased_rows, "biases");
  if (made->parts == NULL || made->biases == NULL) status = SKS_OUT_OF_MEMORY;
  float *bias = made->biases;
  for (int64_t first = 0; made->part_count < part_count && status == SKS_OK; made->part_count++) {
    const sks_weight_part *from = &parts[made->part_count];
    sks_part *part = &made->parts[made->part_count];
    status = make_part(device, columns, from, bias, part);
    part->first = first;
    first += from->rows;
    bias += from->bias ? from->rows : 0;
    made->inputs |= part->input;
    made->bytes += part->panels ? sks_packed_bytes(from->type, from->rows, columns)
                                : sks_bytes_of(from->type, from->rows * columns);
  }
  if (status != SKS_OK) {
    sks_weights_destroy(made);
    return status;
  }
  *weights = made;
  return SKS_OK;
}

void sks_weights_destroy(sks_weights *weights) {
  if (weights == NULL) return;
  for (int32_t i = 0; i < weights->part_count; i++)
    sks_memory_free((void *)weights->parts[i].panels);
  sks_memory_free(weights->parts);
  sks_memory_free(weights->biases);
  sks_memory_free(weights);
}

int64_t sks_weights_bytes(const sks_weights *weights) { return weights->bytes; }
