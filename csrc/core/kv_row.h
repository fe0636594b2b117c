/* One key or value in its block (core/kv.h). */
#ifndef SINKSTREAM_CORE_KV_ROW_H
#define SINKSTREAM_CORE_KV_ROW_H

#include <stdbool.h>

#include "core/kernels.h"
#include "core/kv.h"

/* Element c lies at elements + c * stride, scale s at scales + s *
 * SKS_KV_SLOTS * SKS_SCALE_BYTES. */
typedef struct sks_kv_row {
  int32_t type;
  int64_t head_dim;
  int64_t stride;
  char *elements, *scales;
} sks_kv_row;

/* Row of `slot` among the blocks at `head`, of keys or of values. */
static inline sks_kv_row sks_kv_row_of(int32_t type, int64_t head_dim, bool keys, const char *head,
                                       int64_t slot) {
  char *block = (char *)head + slot / SKS_KV_SLOTS * sks_kv_block_bytes(type, head_dim);
  int64_t at = slot % SKS_KV_SLOTS, bytes = sks_kv_element_bytes(type);
  return (sks_kv_row){.type = type,
                      .head_dim = head_dim,
                      .stride = keys ? SKS_KV_SLOTS * bytes : bytes,
                      .elements = block + at * bytes * (keys ? 1 : head_dim),
                      .scales = block + sks_kv_scales_at(type, head_dim) + at * SKS_SCALE_BYTES};
}

/* The row's elements, then its scales, one behind the other: sks_kv_row_bytes bytes. */
void sks_kv_pack(sks_kv_row row, char *packed);
void sks_kv_unpack(const char *packed, sks_kv_row row);

/* Rounds x [head_dim] to the row's type and stores it there; and back. */
void sks_kv_store(const sks_kernels *kernels, const float *x, sks_kv_row row);
void sks_kv_load(const sks_kernels *kernels, sks_kv_row row, float *x);

#endif
