#include "kernels/reference/convert.h"

#include "kernels/reference/reference.h"

void sks_reference_widen(const void *source, int32_t type, int64_t count, float *target) {
  for (int64_t i = 0; i < count; i++) target[i] = sks_load(source, i, type);
}

static void widen_f32(const void *source, int64_t count, float *target) {
  sks_reference_widen(source, SKS_F32, count, target);
}

static void widen_f16(const void *source, int64_t count, float *target) {
  sks_reference_widen(source, SKS_F16, count, target);
}

static void widen_bf16(const void *source, int64_t count, float *target) {
  sks_reference_widen(source, SKS_BF16, count, target);
}

static void narrow_f32(const float *source, int64_t count, void *target) {
  memcpy(target, source, (size_t)count * sizeof(float));
}

static void narrow_f16(const float *source, int64_t count, void *target) {
  char *at = target;
  for (int64_t i = 0; i < count; i++, at += 2) {
    uint16_t half = sks_narrow_f16(source[i]);
    memcpy(at, &half, sizeof half);
  }
}

static void narrow_bf16(const float *source, int64_t count, void *target) {
  char *at = target;
  for (int64_t i = 0; i < count; i++, at += 2) {
    uint16_t half = sks_narrow_bf16(source[i]);
    memcpy(at, &half, sizeof half);
  }
}

void sks_reference_convert(sks_kernels *table) {
  table->widen[SKS_F32] = widen_f32;
  table->widen[SKS_F16] = widen_f16;
  table->widen[SKS_BF16] = widen_bf16;
  table->narrow[SKS_F32] = narrow_f32;
  table->narrow[SKS_F16] = narrow_f16;
  table->narrow[SKS_BF16] = narrow_bf16;
}
