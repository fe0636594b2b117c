/* Packed weights: packing keeps every weight, quantised input is near what it was, and every panel
 * kernel gives what the reference kernel gives. */
#include <math.h>
#include <string.h>

#include "core/device.h"
#include "cpu/weights.h"
#include "support/check.h"
#include "support/guard.h"
#include "support/isa.h"
#include "support/rng.h"
#include "support/weights.h"

/* Columns of a random shape that a type takes. */
static int64_t random_columns(int32_t type, uint64_t *seed) {
  int64_t block = sks_block_of(type).values;
  return block * (1 + rng_below(seed, block == 1 ? 400 : 1600 / block));
}

/* A panel's channels, one input at a time, are the stored rows' weights. */
static void test_packing(sks_device *device, int32_t type, uint64_t *seed) {
  sks_kernels reference;
  sks_kernels_reference(&reference);
  int64_t rows = 1 + rng_below(seed, 80), columns = random_columns(type, seed);
  char *stored = malloc((size_t)sks_bytes_of(type, rows * columns));
  char *panels = calloc(1, (size_t)sks_packed_bytes(type, rows, columns));
  float *widened = malloc((size_t)columns * sizeof(float));
  weights_fill(type, rows * columns, seed, stored);
  sks_pack(device, type, stored, rows, columns, panels, sks_panel_bytes(type, columns));
  size_t input_bytes = type == SKS_BF16
                           ? (size_t)sks_bf16_values(columns) * 2
                           : (size_t)sks_input_blocks(columns) * sizeof(sks_input_block);
  char *input = calloc(1, input_bytes);
  for (int64_t trial = 0; trial < 40; trial++) {
    int64_t i = rng_below(seed, columns), row = rng_below(seed, rows);
    float one = 1, y[SKS_PANEL_CHANNELS];
    memset(input, 0, input_bytes);
    if (type == SKS_BF16) {
      reference.narrow[SKS_BF16](&one, 1, input + 2 * i);
    } else {
      sks_input_block *block = (sks_input_block *)input + i / 32;
      *block = (sks_input_block){.scale = 1, .minus_sum = -1};
      block->low[i % 32] = 1;
      block->minus_sums[0] = -1;
      block->minus_sums[1] = i % 32 < 16 ? 0 : -1;
    }
    reference.panel[type](type, panels + row / SKS_PANEL_CHANNELS * sks_panel_bytes(type, columns),
                          columns, input, 1, y, SKS_PANEL_CHANNELS);
    reference.widen[type](stored + row * sks_bytes_of(type, columns), columns, widened);
    CHECK(fabsf(y[row % SKS_PANEL_CHANNELS] - widened[i]) <= 1e-6f,
          "type %d: weight [%lld, %lld] is %g, packed %g", (int)type, (long long)row, (long long)i,
          (double)widened[i], (double)y[row % SKS_PANEL_CHANNELS]);
  }
  free(stored);
  free(panels);
  free(widened);
  free(input);
}

/* Rows of input at the end of their memory, in the form a type's panels take. */
static guarded make_input(const sks_kernels *reference, int32_t type, int64_t columns, int64_t rows,
                          uint64_t *seed) {
  size_t bytes = type == SKS_BF16 ? (size_t)sks_bf16_values(columns) * 2
                                  : (size_t)sks_input_blocks(columns) * sizeof(sks_input_block);
  guarded input = guard_end(bytes * (size_t)rows);
  float *x = malloc((size_t)columns * sizeof(float));
  memset(input.data, 0, bytes * (size_t)rows);
  for (int64_t r = 0; r < rows; r++) {
    char *row = input.data + bytes * (size_t)r;
    rng_fill(seed, x, columns, 1);
    if (type == SKS_BF16) {
      reference->narrow[SKS_BF16](x, columns, row);
    } else {
      reference->quantize(x, columns, (sks_input_block *)row);
    }
  }
  free(x);
  return input;
}

static void test_panel(const sks_kernels *kernels, const sks_kernels *reference, sks_device *device,
                       int32_t type, uint64_t *seed) {
  int64_t columns = random_columns(type, seed), rows = 1 + rng_below(seed, 40);
  int64_t stride = SKS_PANEL_CHANNELS + rng_below(seed, 3);
  char *stored = malloc((size_t)sks_bytes_of(type, SKS_PANEL_CHANNELS * columns));
  guarded panel = guard_end((size_t)sks_panel_bytes(type, columns));
  guarded input = make_input(reference, type, columns, rows, seed);
  size_t y_bytes = (size_t)((rows - 1) * stride + SKS_PANEL_CHANNELS) * sizeof(float);
  guarded y = guard_end(y_bytes);
  float *right = malloc(y_bytes), alone[SKS_PANEL_CHANNELS];
  memset(panel.data, 0, (size_t)sks_panel_bytes(type, columns));
  weights_fill(type, SKS_PANEL_CHANNELS * columns, seed, stored);
  sks_pack(device, type, stored, SKS_PANEL_CHANNELS, columns, panel.data,
           sks_panel_bytes(type, columns));
  kernels->panel[type](type, panel.data, columns, input.data, rows, (float *)y.data, stride);
  reference->panel[type](type, panel.data, columns, input.data, rows, right, stride);
  for (int64_t r = 0; r < rows; r++) {
    const float *row = (const float *)y.data + r * stride;
    for (int64_t c = 0; c < SKS_PANEL_CHANNELS; c++)
      CHECK(fabsf(row[c] - right[r * stride + c]) <= 2e-7f * (8 + (float)columns),
            "%s type %d, %lld columns, row %lld of %lld, channel %lld: %g, not %g", kernels->isa,
            (int)type, (long long)columns, (long long)r, (long long)rows, (long long)c,
            (double)row[c], (double)right[r * stride + c]);
    size_t row_bytes = type == SKS_BF16
                           ? (size_t)sks_bf16_values(columns) * 2
                           : (size_t)sks_input_blocks(columns) * sizeof(sks_input_block);
    kernels->panel[type](type, panel.data, columns, input.data + row_bytes * (size_t)r, 1, alone,
                         SKS_PANEL_CHANNELS);
    CHECK(memcmp(alone, row, sizeof alone) == 0, "%s type %d: row %lld of %lld alone differs",
          kernels->isa, (int)type, (long long)r, (long long)rows);
  }
  free(stored);
  free(right);
  guard_free(panel);
  guard_free(input);
  guard_free(y);
}

/* Bytes of the largest size, signs both ways, with every zero point: no sum of a kernel overflows.
 */
static void test_extremes(const sks_kernels *kernels, const sks_kernels *reference,
                          sks_device *device) {
  enum { COLUMNS = 512 };
  for (int32_t type = SKS_Q8_0; type < SKS_TYPES; type++) {
    for (int pattern = 0; pattern < 4; pattern++) {
      size_t bytes = (size_t)sks_bytes_of(type, SKS_PANEL_CHANNELS * COLUMNS);
      uint8_t *stored = malloc(bytes);
      char *panel = calloc(1, (size_t)sks_panel_bytes(type, COLUMNS));
      memset(stored, pattern & 1 ? 0x80 : type == SKS_Q8_0 ? 0x7f : 0xff, bytes);
      sks_block size = sks_block_of(type);
      for (size_t at = 0; at < bytes; at += (size_t)size.bytes) {
        float scale = 0x1p-10f;
        reference->narrow[SKS_F16](&scale, 1, stored + at + (type == SKS_Q6_K ? 208 : 0));
        if (type == SKS_Q4_K || type == SKS_Q5_K)
          reference->narrow[SKS_F16](&scale, 1, stored + at + 2);
      }
      sks_pack(device, type, stored, SKS_PANEL_CHANNELS, COLUMNS, panel,
               sks_panel_bytes(type, COLUMNS));
      float x[COLUMNS], y[SKS_PANEL_CHANNELS], right[SKS_PANEL_CHANNELS];
      for (int i = 0; i < COLUMNS; i++) x[i] = pattern & 2 ? -1 : i % 2 ? 1 : 0.999f;
      sks_input_block blocks[COLUMNS / 32];
      reference->quantize(x, COLUMNS, blocks);
      kernels->panel[type](type, panel, COLUMNS, blocks, 1, y, SKS_PANEL_CHANNELS);
      reference->panel[type](type, panel, COLUMNS, blocks, 1, right, SKS_PANEL_CHANNELS);
      for (int c = 0; c < SKS_PANEL_CHANNELS; c++)
        CHECK(fabsf(y[c] - right[c]) <= 1e-5f * fabsf(right[c]) + 1e-5f,
              "%s type %d, pattern %d: %g, not %g", kernels->isa, (int)type, pattern, (double)y[c],
              (double)right[c]);
      free(stored);
      free(panel);
    }
  }
}

/* Every kernel quantises to the same bits; a value is off by less than a step, and a NaN stays one.
 */
static void test_quantize(const sks_kernels *kernels, const sks_kernels *reference,
                          uint64_t *seed) {
  for (int64_t columns = 1; columns < 200; columns += 1 + columns / 40) {
    guarded x = guard_end((size_t)columns * sizeof(float));
    float *values = (float *)x.data;
    sks_input_block blocks[8], right[8];
    rng_fill(seed, values, columns, (float)rng_below(seed, 100));
    if (columns % 3 == 0) memset(values, 0, (size_t)columns * sizeof(float));
    if (columns % 7 == 0) values[columns / 2] = 1e30f;
    if (columns % 11 == 0) rng_fill(seed, values, columns, 1e-35f);
    memset(blocks, 0xff, sizeof blocks);
    kernels->quantize(values, columns, blocks);
    reference->quantize(values, columns, right);
    int64_t count = sks_input_blocks(columns);
    CHECK(memcmp(blocks, right, (size_t)count * sizeof *blocks) == 0,
          "%s: %lld columns quantise to other bits", kernels->isa, (long long)columns);
    for (int64_t i = 0; i < columns; i++) {
      const sks_input_block *block = &blocks[i / 32];
      int32_t digits = SKS_INPUT_BASE * block->high[i % 32] + block->low[i % 32];
      double error = fabs((double)block->scale * digits - values[i]);
      CHECK(error <= 1.01 * block->scale + 1e-30, "%s: value %g is off by %g", kernels->isa,
            (double)values[i], error);
    }
    int64_t bad = rng_below(seed, columns);
    values[bad] = NAN;
    kernels->quantize(values, columns, blocks);
    CHECK(isnan(blocks[bad / 32].scale), "%s: a NaN was lost", kernels->isa);
    guard_free(x);
  }
}

static void test_kernels(const sks_kernels *kernels, const sks_kernels *reference, uint64_t seed) {
  sks_device *device;
  REQUIRE(sks_device_open_cpu(1, NULL, &device) == SKS_OK, "%s", sks_last_error());
  test_quantize(kernels, reference, &seed);
  for (int32_t type = 0; type < SKS_TYPES; type++) {
    if (!sks_packs(type)) continue;
    for (int64_t i = 0; i < check_effort(30); i++)
      test_panel(kernels, reference, device, type, &seed);
  }
  test_extremes(kernels, reference, device);
  sks_device_close(device);
}

int main(int argc, char **argv) {
  uint64_t seed = rng_seed(argc, argv);
  sks_device *device;
  REQUIRE(sks_device_open_cpu(2, NULL, &device) == SKS_OK, "%s", sks_last_error());
  for (int32_t type = 0; type < SKS_TYPES; type++)
    for (int64_t i = 0; sks_packs(type) && i < check_effort(40); i++)
      test_packing(device, type, &seed);
  sks_device_close(device);
  for_every_isa(test_kernels, seed);
  return check_report();
}
