#include "support/weights.h"

#include <string.h>

#include "support/rng.h"

/* The f16 that begins `offset` bytes into the block, between half of `most` and `most`. */
static void put_scale(const sks_kernels *reference, uint8_t *block, int offset, float most,
                      uint64_t *seed) {
  float scale = most * (0.75f + 0.25f * rng_float(seed));
  reference->narrow[SKS_F16](&scale, 1, block + offset);
}

static void fill_block(const sks_kernels *reference, int32_t type, uint64_t *seed, uint8_t *block) {
  for (int32_t i = 0; i < sks_block_of(type).bytes; i++) block[i] = (uint8_t)rng_next(seed);
  switch (type) {
    case SKS_Q8_0:
      put_scale(reference, block, 0, 1 / 128.0f, seed);
      break;
    case SKS_Q4_0:
      put_scale(reference, block, 0, 1 / 8.0f, seed);
      break;
    case SKS_Q6_K:
      put_scale(reference, block, 208, 1 / (32 * 128.0f), seed);
      break;
    default: /* Q4_K, Q5_K */
      put_scale(reference, block, 0, 1 / (63 * (type == SKS_Q4_K ? 15 : 31.0f)), seed);
      put_scale(reference, block, 2, 1 / 63.0f, seed);
  }
}

void weights_fill(int32_t type, int64_t count, uint64_t *seed, void *weights) {
  sks_kernels reference;
  sks_kernels_reference(&reference);
  sks_block size = sks_block_of(type);
  for (int64_t i = 0; i < count / size.values; i++) {
    char *at = (char *)weights + i * size.bytes;
    if (type >= SKS_FLOAT_TYPES) {
      fill_block(&reference, type, seed, (uint8_t *)at);
    } else {
      float value = rng_float(seed);
      reference.narrow[type](&value, 1, at);
    }
  }
}
