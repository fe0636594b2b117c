#ifndef SINKSTREAM_CORE_CACHE_H
#define SINKSTREAM_CORE_CACHE_H

#include <stdbool.h>

#include "core/kv_row.h"
#include "core/spans.h"
#include "sinkstream/cache.h"

/* No position passes this, so that sums and differences of positions cannot overflow. */
#define SKS_POSITION_LIMIT (INT64_C(1) << 62)

/* The blocks (core/kv.h) of each KV head's keys, then those of each KV head's values: what belongs
 * to one KV head is contiguous, as decoding streams it. */
typedef struct sks_cache_layer {
  char *blocks;
  int64_t slots; /* of each head, whole blocks; layers of a dense cache grow one after the other */
} sks_cache_layer;

struct sks_cache {
  const sks_attention *attention;
  sks_ring ring;
  int32_t max_rows;
  int32_t type;
  int64_t position;
  int64_t stored_end; /* one past the newest token whose rows were ever stored, a given-up step's
                         among them */
  int64_t
      edits; /* how often the contents changed, so that a batch notices a change behind its back */
  bool listed;       /* only inside sks_batch_begin: the cache was in its list before */
  char *ring_blocks; /* of all layers; NULL where the cache is dense: then each has its own */
  sks_cache_layer layers[];
};

/* The blocks of one KV head. */
char *sks_cache_keys(const sks_cache *cache, int32_t layer, int32_t kv_head);
char *sks_cache_values(const sks_cache *cache, int32_t layer, int32_t kv_head);

/* The row of `slot` in them. */
sks_kv_row sks_cache_key(const sks_cache *cache, int32_t layer, int32_t kv_head, int64_t slot);
sks_kv_row sks_cache_value(const sks_cache *cache, int32_t layer, int32_t kv_head, int64_t slot);

/* Makes room for the tokens 0..tokens-1 of a dense cache, and for as many as it has again; a ring
 * always has room. Contents stay, whatever it returns. */
int32_t sks_cache_reserve(sks_cache *cache, int64_t tokens);

/*
 * For tests: makes the next token that of `position`, as if tokens up to there had come and been
 * evicted. The stream must have passed its sink tokens.
 */
static inline void sks_cache_jump(sks_cache *cache, int64_t position) {
  cache->position = cache->ring.oldest = cache->stored_end = position;
  cache->edits++;
}

#endif
