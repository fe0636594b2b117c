/* ggml's simple block formats: a scale from the largest magnitude of 32 values. */
#include "kernels/reference/quantize.h"

enum { VALUES = 32 };

/* The value of the largest magnitude, with its sign. */
static float extreme(const float *x) {
  float most = 0;
  for (int i = 0; i < VALUES; i++)
    if (fabsf(x[i]) > fabsf(most)) most = x[i];
  return most;
}

/* What values are multiplied by; 0 where an f16 holds no scale as small. */
static float inverse(float scale) { return (sks_narrow_f16(scale) & 0x7fff) == 0 ? 0 : 1 / scale; }

static void q8_0(int32_t type, const float *x, sks_raw_block *raw) {
  float scale = fabsf(extreme(x)) / 127, factor = inverse(scale);
  raw->d = sks_narrow_f16(scale);
  for (int i = 0; i < VALUES; i++)
    raw->q[i] = (uint8_t)((int)roundf(x[i] * factor) + sks_zero_point(type));
}

/* The extreme value is the one that -8 reaches; 8 steps the other way there is only 7. */
static void q4_0(int32_t type, const float *x, sks_raw_block *raw) {
  float scale = extreme(x) / -8, factor = inverse(scale);
  raw->d = sks_narrow_f16(scale);
  for (int i = 0; i < VALUES; i++) {
    int q = (int)(x[i] * factor + 0.5f + (float)sks_zero_point(type));
    raw->q[i] = (uint8_t)(q < 15 ? q : 15);
  }
}

static void narrow_q8_0(const float *source, int64_t count, void *target) {
  sks_quantize_blocks(SKS_Q8_0, q8_0, source, count, target);
}

static void narrow_q4_0(const float *source, int64_t count, void *target) {
  sks_quantize_blocks(SKS_Q4_0, q4_0, source, count, target);
}

void sks_reference_quantize(sks_kernels *table) {
  table->narrow[SKS_Q8_0] = narrow_q8_0;
  table->narrow[SKS_Q4_0] = narrow_q4_0;
}
