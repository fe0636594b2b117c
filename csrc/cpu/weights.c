#include "cpu/weights.h"

#include <string.h>

#include "core/memory.h"
#include "cpu/cpu.h"

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

int32_t sks_cpu_weights_create(sks_weights *weights, const sks_weight_part *parts) {
  int32_t part_count = weights->part_count;
  int64_t biased_rows = 0;
  for (int32_t i = 0; i < part_count; i++) biased_rows += parts[i].bias ? parts[i].rows : 0;
  sks_cpu_matrix *made = sks_memory_allocate(
      (int64_t)(sizeof *made + sizeof made->parts[0] * (size_t)part_count), "weights");
  if (made == NULL) return SKS_OUT_OF_MEMORY;
  weights->own = made;
  made->biases = sks_memory_allocate((int64_t)sizeof(float) * biased_rows, "biases");
  int32_t status = made->biases ? SKS_OK : SKS_OUT_OF_MEMORY;
  float *bias = made->biases;
  int64_t first = 0;
  for (int32_t i = 0; i < part_count && status == SKS_OK; i++) {
    const sks_weight_part *from = &parts[i];
    sks_part *part = &made->parts[i];
    status = make_part(weights->device, weights->columns, from, bias, part);
    part->first = first;
    first += from->rows;
    bias += from->bias ? from->rows : 0;
    made->inputs |= part->input;
    weights->bytes += part->panels ? sks_packed_bytes(from->type, from->rows, weights->columns)
                                   : sks_bytes_of(from->type, from->rows * weights->columns);
  }
  if (status != SKS_OK) sks_cpu_weights_destroy(weights);
  return status;
}

void sks_cpu_weights_destroy(sks_weights *weights) {
  sks_cpu_matrix *made = weights->own;
  for (int32_t i = 0; i < weights->part_count; i++) sks_memory_free((void *)made->parts[i].panels);
  sks_memory_free(made->biases);
  sks_memory_free(made);
}
