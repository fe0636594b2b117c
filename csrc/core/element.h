#ifndef SINKSTREAM_CORE_ELEMENT_H
#define SINKSTREAM_CORE_ELEMENT_H

#include <stdint.h>

#include "core/host_device.h"
#include "sinkstream/types.h"

/* The types whose elements stand alone: those before SKS_Q8_0. */
enum { SKS_FLOAT_TYPES = 3 };

/* "q8_0" for SKS_Q8_0, and so on. */
static inline const char *sks_type_name(int32_t type) {
  static const char *const names[SKS_TYPES] = {"f32",  "f16",  "bf16", "q8_0",
                                               "q4_0", "q4_k", "q5_k", "q6_k"};
  return type >= 0 && type < SKS_TYPES ? names[type] : "no type";
}

/* The smallest run of elements of a type that stands alone. */
typedef struct sks_block {
  int32_t values, bytes;
} sks_block;

static inline SKS_HOST_DEVICE sks_block sks_block_of(int32_t type) {
  switch (type) {
    case SKS_F32:
      return (sks_block){1, 4};
    case SKS_F16:
    case SKS_BF16:
      return (sks_block){1, 2};
    case SKS_Q8_0:
      return (sks_block){32, 34};
    case SKS_Q4_0:
      return (sks_block){32, 18};
    case SKS_Q4_K:
      return (sks_block){256, 144};
    case SKS_Q5_K:
      return (sks_block){256, 176};
    default:
      return (sks_block){256, 210}; /* SKS_Q6_K */
  }
}

/* Bytes of `count` elements, a whole number of blocks. */
static inline SKS_HOST_DEVICE int64_t sks_bytes_of(int32_t type, int64_t count) {
  sks_block block = sks_block_of(type);
  return count / block.values * block.bytes;
}

/* Bytes of one element of a type whose elements stand alone. */
static inline int64_t sks_element_bytes(int32_t type) { return type == SKS_F32 ? 4 : 2; }

#endif
