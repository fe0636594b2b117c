#include "kernels/reference/reference.h"
#include "kernels/reference/scalar.h"

void sks_reference_widen(const void *source, int32_t type, int64_t count, float *target) {
  if (type >= SKS_FLOAT_TYPES) {
    sks_reference_dequantize(type, source, count, target);
  } else {
    for (int64_t i = 0; i < count; i++) target[i] = sks_load(source, i, type);
  }
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

static void widen_q8_0(const void *source, int64_t count, float *target) {
  sks_reference_widen(source, SKS_Q8_0, count, target);
}

static void widen_q4_0(const void *source, int64_t count, float *target) {
  sks_reference_widen(source, SKS_Q4_0, count, target);
}

static void widen_q4_k(const void *source, int64_t count, float *target) {
  sks_reference_widen(source, SKS_Q4_K, count, target);
}

static void widen_q5_k(const void *source, int64_t count, float *target) {
  sks_reference_widen(source, SKS_Q5_K, count, target);
}

static void widen_q6_k(const void *source, int64_t count, float *target) {
  sks_reference_widen(source, SKS_Q6_K, count, target);
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
  table->widen[SKS_Q8_0] = widen_q8_0;
  table->widen[SKS_Q4_0] = widen_q4_0;
  table->widen[SKS_Q4_K] = widen_q4_k;
  table->widen[SKS_Q5_K] = widen_q5_k;
  table->widen[SKS_Q6_K] = widen_q6_k;
  table->narrow[SKS_F32] = narrow_f32;
  table->narrow[SKS_F16] = narrow_f16;
  table->narrow[SKS_BF16] = narrow_bf16;
}
