#include "core/kv_row.h"

#include <string.h>

/* Inlined for each size, so that a copy is one instruction. */
static inline __attribute__((always_inline)) void copy(char *target, int64_t target_stride,
                                                       const char *source, int64_t source_stride,
                                                       int64_t count, const size_t bytes) {
  for (int64_t i = 0; i < count; i++)
    memcpy(target + i * target_stride, source + i * source_stride, bytes);
}

static void copy_elements(char *target, int64_t target_stride, const char *source,
                          int64_t source_stride, int64_t count, int64_t bytes) {
  if (target_stride == source_stride)
    memcpy(target, source, (size_t)(count * bytes));
  else if (bytes == 4)
    copy(target, target_stride, source, source_stride, count, 4);
  else if (bytes == 2)
    copy(target, target_stride, source, source_stride, count, 2);
  else
    copy(target, target_stride, source, source_stride, count, 1);
}

enum { SCALE_STRIDE = SKS_KV_SLOTS * SKS_SCALE_BYTES };

void sks_kv_pack(sks_kv_row row, char *packed) {
  int64_t bytes = sks_kv_element_bytes(row.type), scales = sks_kv_scales(row.type, row.head_dim);
  copy_elements(packed, bytes, row.elements, row.stride, row.head_dim, bytes);
  copy_elements(packed + row.head_dim * bytes, SKS_SCALE_BYTES, row.scales, SCALE_STRIDE, scales,
                SKS_SCALE_BYTES);
}

void sks_kv_unpack(const char *packed, sks_kv_row row) {
  int64_t bytes = sks_kv_element_bytes(row.type), scales = sks_kv_scales(row.type, row.head_dim);
  copy_elements(row.elements, row.stride, packed, bytes, row.head_dim, bytes);
  copy_elements(row.scales, SCALE_STRIDE, packed + row.head_dim * bytes, SKS_SCALE_BYTES, scales,
                SKS_SCALE_BYTES);
}

void sks_kv_store(const sks_kernels *kernels, const float *x, sks_kv_row row) {
  _Alignas(64) char packed[SKS_MAX_ROW_BYTES];
  if (row.type == SKS_Q8_0)
    kernels->quantize_kv(x, row.head_dim, (int8_t *)packed, (uint16_t *)(packed + row.head_dim));
  else
    kernels->narrow[row.type](x, row.head_dim, packed);
  sks_kv_unpack(packed, row);
}

void sks_kv_load(const sks_kernels *kernels, sks_kv_row row, float *x) {
  _Alignas(64) char packed[SKS_MAX_ROW_BYTES];
  sks_kv_pack(row, packed);
  if (row.type != SKS_Q8_0) {
    kernels->widen[row.type](packed, row.head_dim, x);
    return;
  }
  float scales[SKS_MAX_HEAD_DIM / SKS_SCALE_CHANNELS];
  kernels->widen[SKS_F16](packed + row.head_dim, sks_kv_scales(row.type, row.head_dim), scales);
  for (int64_t c = 0; c < row.head_dim; c++)
    x[c] = (float)(int8_t)packed[c] * scales[c / SKS_SCALE_CHANNELS];
}
