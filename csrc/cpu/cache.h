#ifndef SINKSTREAM_CPU_CACHE_H
#define SINKSTREAM_CPU_CACHE_H

#include "core/attention.h"
#include "core/cache.h"
#include "core/kv_row.h"

/* The blocks (core/kv.h) of each KV head's keys, then those of each KV head's values: what belongs
 * to one KV head is contiguous, as decoding streams it. */
typedef struct sks_cache_layer {
  char *blocks;
  int64_t slots; /* of each head, whole blocks; layers of a dense cache grow one after the other */
} sks_cache_layer;

/* What the CPU has of a cache. */
typedef struct sks_cpu_cache {
  char *ring_blocks; /* of all layers; NULL where the cache is dense: then each has its own */
  sks_cache_layer layers[];
} sks_cpu_cache;

/* The blocks of one KV head. */
char *sks_cache_keys(const sks_cache *cache, int32_t layer, int32_t kv_head);
char *sks_cache_values(const sks_cache *cache, int32_t layer, int32_t kv_head);

/* The row of `slot` in them. */
sks_kv_row sks_cache_key(const sks_cache *cache, int32_t layer, int32_t kv_head, int64_t slot);
sks_kv_row sks_cache_value(const sks_cache *cache, int32_t layer, int32_t kv_head, int64_t slot);

#endif
