#include "cpu/weights.h"

#include <string.h>

#include "core/memory.h"
#include "cpu/cpu.h"

static int32_t input_of(int32_t type, bool packed) {
  if (!packed) return SKS_INPUT_FLOATS;
  return type == SKS_BF16 ? SKS_INPUT_BF16 : SKS_INPUT_BLOCKS;
}

static bool is_packed(const sks_weight_part *part) { return part->packed && sks_packs(part->type); }

static int64_t packed_bytes(const sks_weight_part *part, int64_t columns) {
  return is_packed(part) ? sks_packed_bytes(part->type, part->rows, columns) : 0;
}

static bool take_turns(const sks_weight_part *parts, int32_t part_count) {
  return part_count == 2 && is_packed(&parts[0]) && is_packed(&parts[1]) &&
         parts[0].type == parts[1].type && parts[0].rows == parts[1].rows;
}

/* Allocates what the parts are copied into. */
static int32_t allocate(sks_cpu_matrix *matrix, const sks_weight_part *parts, int32_t part_count,
                        int64_t columns) {
  int64_t biased_rows = 0, panels = 0;
  for (int32_t i = 0; i < part_count; i++) {
    biased_rows += parts[i].bias ? parts[i].rows : 0;
    panels += packed_bytes(&parts[i], columns);
  }
  matrix->biases = sks_memory_allocate((int64_t)sizeof(float) * biased_rows, "biases");
  matrix->panels = sks_memory_allocate_in_slab(panels, "packed weights");
  return matrix->biases && matrix->panels ? SKS_OK : SKS_OUT_OF_MEMORY;
}

/* Fills in a part, its bias copied to `bias`, its panels to `panels`. */
static void make_part(sks_device *device, int64_t columns, const sks_weight_part *from, float *bias,
                      char *panels, int64_t panel_stride, sks_part *part) {
  part->rows = from->rows;
  part->type = from->type;
  part->input = input_of(from->type, is_packed(from));
  if (from->bias) {
    memcpy(bias, from->bias, sizeof *bias * (size_t)from->rows);
    part->bias = bias;
  }
  if (!is_packed(from)) {
    part->data = from->data;
    return;
  }
  sks_pack(device, from->type, from->data, from->rows, columns, panels, panel_stride);
  part->panels = panels;
  part->panel_stride = panel_stride;
}

int32_t sks_cpu_weights_create(sks_weights *weights, const sks_weight_part *parts) {
  int32_t part_count = weights->part_count;
  int64_t columns = weights->columns, first = 0;
  sks_cpu_matrix *made = sks_memory_allocate(
      (int64_t)(sizeof *made + sizeof made->parts[0] * (size_t)part_count), "weights");
  if (made == NULL) return SKS_OUT_OF_MEMORY;
  weights->own = made;
  if (allocate(made, parts, part_count, columns) != SKS_OK) {
    sks_cpu_weights_destroy(weights);
    return SKS_OUT_OF_MEMORY;
  }
  made->interleaved = take_turns(parts, part_count);
  float *bias = made->biases;
  char *panels = made->panels;
  for (int32_t i = 0; i < part_count; i++) {
    const sks_weight_part *from = &parts[i];
    sks_part *part = &made->parts[i];
    int64_t panel = sks_panel_bytes(from->type, columns);
    make_part(weights->device, columns, from, bias, panels, made->interleaved ? 2 * panel : panel,
              part);
    part->first = first;
    first += from->rows;
    bias += from->bias ? from->rows : 0;
    panels += made->interleaved ? panel : packed_bytes(from, columns);
    made->inputs |= part->input;
    weights->bytes +=
        part->panels ? packed_bytes(from, columns) : sks_bytes_of(from->type, from->rows * columns);
  }
  return SKS_OK;
}

void sks_cpu_weights_destroy(sks_weights *weights) {
  sks_cpu_matrix *made = weights->own;
  sks_memory_free(made->panels);
  sks_memory_free(made->biases);
  sks_memory_free(made);
}
