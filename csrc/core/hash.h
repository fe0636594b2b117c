/* FNV-1a over bytes: tells states apart and notices damage; no defence against malice. */
#ifndef SINKSTREAM_CORE_HASH_H
#define SINKSTREAM_CORE_HASH_H

#include <stdint.h>
#include <string.h>

#define SKS_HASH_START UINT64_C(0xcbf29ce484222325)

/* Continues `hash` with `bytes` bytes at `data`, eight at a time. */
static inline uint64_t sks_hash(uint64_t hash, const void *data, int64_t bytes) {
  const char *at = data;
  for (int64_t i = 0; i < bytes; i += 8) {
    uint64_t word = 0;
    memcpy(&word, at + i, (size_t)(bytes - i < 8 ? bytes - i : 8));
    hash = (hash ^ word) * UINT64_C(0x100000001b3);
    hash ^= hash >> 32; /* a product carries upwards only */
  }
  return hash;
}

#endif
