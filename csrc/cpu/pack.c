#include "cpu/cpu.h"
#include "cpu/split.h"
#include "cpu/weights.h"

typedef struct pack_task {
  int32_t type;
  const char *data;
  int64_t rows, columns;
  char *panels;
  int64_t stride;
} pack_task;

/* The integers of a block's 32 values, channel c. */
static void pack_integers(int32_t type, const uint8_t *q, int64_t c, uint8_t *units) {
  for (int64_t k = 0; k < 8; k++) {
    for (int64_t j = 0; j < 4; j++) {
      uint8_t value = q[4 * k + j];
      int64_t at = 4 * c + j;
      if (type == SKS_Q8_0) {
        units[SKS_PANEL_UNIT * k + at] = value;
        continue;
      }
      units[SKS_PANEL_UNIT * (k % 4) + at] |= (uint8_t)((value & 15) << (k < 4 ? 0 : 4));
      if (type == SKS_Q5_K) units[SKS_PANEL_UNIT * 4 + at] |= (uint8_t)((value >> 4) << k);
      if (type == SKS_Q6_K)
        units[SKS_PANEL_UNIT * (4 + k / 4) + at] |= (uint8_t)((value >> 4) << 2 * (k % 4));
    }
  }
}

static void put_half(uint8_t *at, uint16_t half) { memcpy(at, &half, sizeof half); }

static void pack_header(int32_t type, const sks_raw_block *raw, int64_t c, uint8_t *group) {
  if (type == SKS_Q8_0 || type == SKS_Q4_0) return;
  put_half(group + 2 * c, raw->d);
  if (type != SKS_Q6_K) put_half(group + SKS_PANEL_DMIN + 2 * c, raw->dmin);
}

/* Of block b. */
static void pack_scales(int32_t type, const sks_raw_block *raw, int64_t b, int64_t c,
                        uint8_t *block) {
  if (type == SKS_Q8_0 || type == SKS_Q4_0) {
    put_half(block + 2 * c, raw->d);
  } else if (type == SKS_Q6_K) {
    block[c] = (uint8_t)raw->scales[2 * b];
    block[SKS_PANEL_MORE_SCALES + c] = (uint8_t)raw->scales[2 * b + 1];
  } else {
    block[c] = (uint8_t)raw->scales[b];
    block[SKS_PANEL_MORE_SCALES + c] = raw->minima[b];
  }
}

static void pack_quantized_row(const pack_task *t, const uint8_t *row, int64_t c, uint8_t *panel) {
  sks_panel_group shape = sks_panel_group_of(t->type);
  sks_block size = sks_block_of(t->type);
  for (int64_t i = 0; i < t->columns; i += size.values, row += size.bytes) {
    uint8_t *group = panel + i / shape.columns * shape.bytes;
    sks_raw_block raw;
    sks_split_block(t->type, row, &raw);
    pack_header(t->type, &raw, c, group);
    for (int64_t b = 0; b < size.values / SKS_PANEL_BLOCK; b++) {
      uint8_t *block = group + shape.header_bytes + b * shape.block_bytes;
      pack_scales(t->type, &raw, b, c, block);
      pack_integers(t->type, raw.q + SKS_PANEL_BLOCK * b, c, block + SKS_PANEL_SCALES);
    }
  }
}

static void pack_bf16_row(const pack_task *t, const char *row, int64_t c, char *panel) {
  for (int64_t i = 0; i < t->columns; i++)
    memcpy(panel + i / 2 * SKS_PANEL_UNIT + 4 * c + 2 * (i % 2), row + 2 * i, 2);
}

static void pack_panel(void *argument, int64_t index, int32_t thread) {
  (void)thread;
  const pack_task *t = argument;
  char *panel = t->panels + index * t->stride;
  int64_t first = index * SKS_PANEL_CHANNELS;
  for (int64_t c = 0; c < SKS_PANEL_CHANNELS && first + c < t->rows; c++) {
    const char *row = t->data + (first + c) * sks_bytes_of(t->type, t->columns);
    if (t->type == SKS_BF16)
      pack_bf16_row(t, row, c, panel);
    else
      pack_quantized_row(t, (const uint8_t *)row, c, (uint8_t *)panel);
  }
}

int64_t sks_packed_bytes(int32_t type, int64_t rows, int64_t columns) {
  return sks_tasks(rows, SKS_PANEL_CHANNELS) * sks_panel_bytes(type, columns);
}

void sks_pack(sks_device *device, int32_t type, const void *data, int64_t rows, int64_t columns,
              char *panels, int64_t stride) {
  pack_task task = {type, data, rows, columns, panels, stride};
  sks_pool_run(sks_cpu_of(device)->pool, sks_tasks(rows, SKS_PANEL_CHANNELS), pack_panel, &task);
}
