/* Streams that are far out without having been run up to there. */
#ifndef SINKSTREAM_TESTS_SUPPORT_JUMP_H
#define SINKSTREAM_TESTS_SUPPORT_JUMP_H

#include "core/cache.h"

/* Makes the next token that of `position`, as if tokens up to there had come and been evicted. The
 * stream must have passed its sink tokens. */
static inline void cache_jump(sks_cache *cache, int64_t position) {
  cache->position = cache->ring.oldest = cache->stored_end = position;
  cache->edits++;
}

#endif
