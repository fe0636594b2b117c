/* ggml's simple block formats: a scale from the largest magnitude of 32 values. */
#include "kernels/reference/convert.h"
#include "kernels/reference/reference.h"

enum { VALUES = 32 };

/* The value of the largest magnitude, with its sign. */
static float extreme(const float *x) {
  float most = 0;
  for (int i = 0; i < VALUES; i++)
    if (fabsf(x[i]) > fabsf(most)) most = x[i];
  return most;
}

/* Writes the scale; its inverse, or 0 where an f16 holds no scale as small. */
static float put_scale(uint8_t *at, float scale) {
  uint16_t half = sks_narrow_f16(scale);
  memcpy(at, &half, sizeof half);
  return (half & 0x7fff) == 0 ? 0 : 1 / scale;
}

static void q8_0(const float *x, uint8_t *block) {
  float inverse = put_scale(block, fabsf(extreme(x)) / 127);
  for (int i = 0; i < VALUES; i++) block[2 + i] = (uint8_t)(int8_t)roundf(x[i] * inverse);
}

/* 0 to 15, which count from -8: the extreme value is the one that -8 reaches. */
static uint8_t nibble(float x, float inverse) {
  int q = (int)(x * inverse + 8.5f);
  return (uint8_t)(q < 15 ? q : 15);
}

static void q4_0(const float *x, uint8_t *block) {
  float inverse = put_scale(block, extreme(x) / -8);
  for (int i = 0; i < VALUES / 2; i++)
    block[2 + i] = (uint8_t)(nibble(x[i], inverse) | nibble(x[i + VALUES / 2], inverse) << 4);
}

static void narrow_q8_0(const float *source, int64_t count, void *target) {
  uint8_t *block = target;
  for (int64_t i = 0; i < count; i += VALUES, block += 34) q8_0(source + i, block);
}

static void narrow_q4_0(const float *source, int64_t count, void *target) {
  uint8_t *block = target;
  for (int64_t i = 0; i < count; i += VALUES, block += 18) q4_0(source + i, block);
}

void sks_reference_quantize(sks_kernels *table) {
  table->narrow[SKS_Q8_0] = narrow_q8_0;
  table->narrow[SKS_Q4_0] = narrow_q4_0;
}
