/* Scalar conversions, exact by the definition of the formats. */
#ifndef SINKSTREAM_KERNELS_REFERENCE_SCALAR_H
#define SINKSTREAM_KERNELS_REFERENCE_SCALAR_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "sinkstream/types.h"

static inline uint32_t sks_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float sks_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline float sks_widen_bf16(uint16_t half) { return sks_from_bits((uint32_t)half << 16); }

/* Rounds to nearest, ties to even; NaN stays NaN. */
static inline uint16_t sks_narrow_bf16(float value) {
  uint32_t bits = sks_bits(value);
  if (value != value) {
    return (uint16_t)(bits >> 16 | 0x40);
  }
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float sks_widen_f16(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  uint32_t exponent = half >> 10 & 0x1f;
  uint32_t fraction = half & 0x3ff;
  if (exponent == 0) {
    return sks_from_bits(sign | sks_bits(ldexpf((float)fraction, -24)));
  }
  uint32_t widened = exponent == 0x1f ? 0xff : exponent - 15 + 127;
  return sks_from_bits(sign | widened << 23 | fraction << 13);
}

/* Rounds to nearest, ties to even; NaN stays NaN; what is too large becomes infinite. */
static inline uint16_t sks_narrow_f16(float value) {
  uint32_t bits = sks_bits(value);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) {
    return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x1ff));
  }
  if (magnitude >= 0x477ff000) { /* 65520, half way to 2^16 */
    return (uint16_t)(sign | 0x7c00);
  }
  if (magnitude < 0x38800000) { /* below 2^-14 the spacing is 2^-24: rounded by adding 0.5, whose
                                   last place that is */
    return (uint16_t)(sign | (sks_bits(fabsf(value) + 0.5f) - sks_bits(0.5f)));
  }
  uint32_t rebiased = magnitude - ((127u - 15u) << 23);
  return (uint16_t)(sign | ((rebiased + 0xfff + (rebiased >> 13 & 1)) >> 13));
}

/* Element `index` of an array of `type`, at any alignment. */
static inline float sks_load(const void *array, int64_t index, int32_t type) {
  const char *bytes = array;
  if (type == SKS_F32) {
    float value;
    memcpy(&value, bytes + 4 * index, sizeof value);
    return value;
  }
  uint16_t half;
  memcpy(&half, bytes + 2 * index, sizeof half);
  return type == SKS_F16 ? sks_widen_f16(half) : sks_widen_bf16(half);
}

#endif
