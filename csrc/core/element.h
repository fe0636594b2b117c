#ifndef SINKSTREAM_CORE_ELEMENT_H
#define SINKSTREAM_CORE_ELEMENT_H

#include <stdint.h>

#include "sinkstream/types.h"

/* Bytes of one element of `type`. */
static inline int64_t sks_element_bytes(int32_t type) { return type == SKS_F32 ? 4 : 2; }

#endif
