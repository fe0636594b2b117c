#include "core/panel.h"

#include <math.h>

#include "kernels/reference/reference.h"
#include "kernels/reference/scalar.h"

/* Smaller than this a row's largest value is taken for zero: 127 over it would overflow. */
#define NOTHING 0x1p-100f

static void quantize(const float *x, int64_t columns, sks_input_block *blocks) {
  for (int64_t b = 0; b < sks_input_blocks(columns); b++) {
    sks_input_block *block = &blocks[b];
    float values[SKS_PANEL_BLOCK] = {0}, largest = 0;
    for (int64_t i = 0; i < SKS_PANEL_BLOCK && b * SKS_PANEL_BLOCK + i < columns; i++) {
      values[i] = x[b * SKS_PANEL_BLOCK + i];
      /* NaN is the largest. */
      if (largest == largest && !(fabsf(values[i]) <= largest)) largest = fabsf(values[i]);
    }
    float factor = largest < NOTHING ? 0 : SKS_INPUT_DIGIT / largest;
    block->scale = largest < NOTHING ? 0 : largest / (SKS_INPUT_DIGIT * SKS_INPUT_BASE);
    block->minus_sums[0] = block->minus_sums[1] = 0;
    for (int i = 0; i < SKS_PANEL_BLOCK; i++) {
      float value = values[i] * factor, high = rintf(value);
      float low = rintf((value - high) * SKS_INPUT_BASE);
      bool number = low == low; /* else the scale is none either */
      block->high[i] = number ? (int8_t)high : 0;
      block->low[i] = number ? (int8_t)fminf(fmaxf(low, -SKS_INPUT_DIGIT), SKS_INPUT_DIGIT) : 0;
      int32_t both = SKS_INPUT_BASE * block->high[i] + block->low[i];
      block->minus_sums[0] -= both;
      if (i >= 16) block->minus_sums[1] -= both;
    }
    block->minus_sum = block->scale * (float)block->minus_sums[0];
  }
}

/* Weight of channel c and column i of a panel, from where core/panel.h says that its bits lie. */
static double weight(int32_t type, const uint8_t *panel, int64_t c, int64_t i) {
  sks_panel_group shape = sks_panel_group_of(type);
  const uint8_t *group = panel + i / shape.columns * shape.bytes;
  int64_t column = i % shape.columns;
  if (type == SKS_BF16) return sks_widen_bf16(sks_raw_half(group + 4 * c + 2 * column));

  int64_t b = column / 32, k = column % 32 / 4, j = 4 * c + column % 4;
  const uint8_t *block = group + shape.header_bytes + b * shape.block_bytes;
  const uint8_t *units = block + SKS_PANEL_SCALES;
  int q = type == SKS_Q8_0 ? units[SKS_PANEL_UNIT * k + j]
                           : units[SKS_PANEL_UNIT * (k % 4) + j] >> (k < 4 ? 0 : 4) & 15;
  if (type == SKS_Q5_K) q |= (units[SKS_PANEL_UNIT * 4 + j] >> k & 1) << 4;
  if (type == SKS_Q6_K) q |= (units[SKS_PANEL_UNIT * (4 + k / 4) + j] >> 2 * (k % 4) & 3) << 4;

  if (type == SKS_Q8_0 || type == SKS_Q4_0)
    return (double)sks_widen_f16(sks_raw_half(block + 2 * c)) * (q - sks_zero_point(type));
  double d = sks_widen_f16(sks_raw_half(group + 2 * c));
  if (type == SKS_Q6_K)
    return d * (int8_t)block[column % 32 / 16 * SKS_PANEL_MORE_SCALES + c] * (q - 32);
  double dmin = sks_widen_f16(sks_raw_half(group + SKS_PANEL_DMIN + 2 * c));
  return d * block[c] * q - dmin * block[SKS_PANEL_MORE_SCALES + c];
}

/* Value i of row r of what a panel kernel takes. */
static double value(int32_t type, const void *x, int64_t columns, int64_t r, int64_t i) {
  if (type == SKS_BF16)
    return sks_load((const char *)x + 2 * r * sks_bf16_values(columns), i, SKS_BF16);
  const sks_input_block *block =
      (const sks_input_block *)x + r * sks_input_blocks(columns) + i / 32;
  return (double)block->scale * (SKS_INPUT_BASE * block->high[i % 32] + block->low[i % 32]);
}

static void panel(int32_t type, const void *panel, int64_t columns, const void *x, int64_t rows,
                  float *y, int64_t y_stride) {
  for (int64_t r = 0; r < rows; r++) {
    double sums[SKS_PANEL_CHANNELS] = {0};
    for (int64_t i = 0; i < columns; i++) {
      double input = value(type, x, columns, r, i);
      for (int64_t c = 0; c < SKS_PANEL_CHANNELS; c++) sums[c] += weight(type, panel, c, i) * input;
    }
    for (int64_t c = 0; c < SKS_PANEL_CHANNELS; c++) y[r * y_stride + c] = (float)sums[c];
  }
}

void sks_reference_panel(sks_kernels *table) {
  table->quantize = quantize;
  for (int32_t type = 0; type < SKS_TYPES; type++) table->panel[type] = panel;
}
