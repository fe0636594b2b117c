/* Conversion of element types for any instruction set: include after its vector.h. */
#ifndef SINKSTREAM_KERNELS_SIMD_CONVERT_H
#define SINKSTREAM_KERNELS_SIMD_CONVERT_H

#include <string.h>

#include "core/element.h"
#include "core/kernels.h"
#include "kernels/simd/dequantize.h"
#include "kernels/simd/elements.h"

SKS_INLINE void widen(const int32_t type, const void *source, int64_t count, float *target) {
  const char *at = source;
  const int64_t bytes = sks_element_bytes(type);
  int64_t whole = count / LANES * LANES;
  for (int64_t i = 0; i < whole; i += LANES) vec_store(target + i, vec_widen(at + i * bytes, type));
  if (whole < count)
    vec_store_part(target + whole, vec_widen_part(at + whole * bytes, type, count - whole),
                   count - whole);
}

SKS_INLINE void narrow(const int32_t type, const float *source, int64_t count, void *target) {
  char *at = target;
  const int64_t bytes = sks_element_bytes(type);
  int64_t whole = count / LANES * LANES;
  for (int64_t i = 0; i < whole; i += LANES) vec_narrow(at + i * bytes, vec_load(source + i), type);
  if (whole < count) {
    char rest[LANES * sizeof(float)];
    vec_narrow(rest, vec_load_part(source + whole, count - whole, 0), type);
    memcpy(at + whole * bytes, rest, (size_t)((count - whole) * bytes));
  }
}

static void widen_f32(const void *source, int64_t count, float *target) {
  widen(SKS_F32, source, count, target);
}

static void widen_f16(const void *source, int64_t count, float *target) {
  widen(SKS_F16, source, count, target);
}

static void widen_bf16(const void *source, int64_t count, float *target) {
  widen(SKS_BF16, source, count, target);
}

static void widen_q8_0(const void *source, int64_t count, float *target) {
  widen_blocks(SKS_Q8_0, source, count, target);
}

static void widen_q4_0(const void *source, int64_t count, float *target) {
  widen_blocks(SKS_Q4_0, source, count, target);
}

static void widen_q4_k(const void *source, int64_t count, float *target) {
  widen_blocks(SKS_Q4_K, source, count, target);
}

static void widen_q5_k(const void *source, int64_t count, float *target) {
  widen_blocks(SKS_Q5_K, source, count, target);
}

static void widen_q6_k(const void *source, int64_t count, float *target) {
  widen_blocks(SKS_Q6_K, source, count, target);
}

static void narrow_f32(const float *source, int64_t count, void *target) {
  narrow(SKS_F32, source, count, target);
}

static void narrow_f16(const float *source, int64_t count, void *target) {
  narrow(SKS_F16, source, count, target);
}

static void narrow_bf16(const float *source, int64_t count, void *target) {
  narrow(SKS_BF16, source, count, target);
}

static void fill_convert(sks_kernels *table) {
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

#endif
