#ifndef SINKSTREAM_KERNELS_REFERENCE_QUANTIZE_H
#define SINKSTREAM_KERNELS_REFERENCE_QUANTIZE_H

#include "core/blocks.h"
#include "kernels/reference/reference.h"
#include "kernels/reference/scalar.h"

/* Quantises values of `type` block by block, each with `one`. */
static inline void sks_quantize_blocks(int32_t type,
                                       void (*one)(int32_t type, const float *x,
                                                   sks_raw_block *raw),
                                       const float *source, int64_t count, void *target) {
  sks_block size = sks_block_of(type);
  uint8_t *block = target;
  for (int64_t i = 0; i < count; i += size.values, block += size.bytes) {
    sks_raw_block raw;
    one(type, source + i, &raw);
    sks_join_block(type, &raw, block);
  }
}

#endif
