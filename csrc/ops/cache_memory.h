/* What caches take, and what would fit where one does not. */
#ifndef SINKSTREAM_OPS_CACHE_MEMORY_H
#define SINKSTREAM_OPS_CACHE_MEMORY_H

#include "core/attention.h"
#include "core/cache.h"

/* Rounds up to whole blocks; false where that overflows. */
bool sks_cache_whole_blocks(int64_t *slots);

/* Slots of a new cache; false where that overflows. */
bool sks_cache_first_slots(const sks_cache_spec *spec, int64_t *slots);

/* Bytes of all layers with this many slots, whole blocks; INT64_MAX where that overflows. */
int64_t sks_cache_slot_bytes(const sks_attention *attention, int32_t type, int64_t slots);

/* Bytes of a new cache; INT64_MAX where that overflows. */
int64_t sks_cache_first_bytes(const sks_attention *attention, const sks_cache_spec *spec);

/* Slots that a copy of a dense cache can have in the memory that is free now, with some of it left;
 * 0 where there is none. */
int64_t sks_cache_fitting_slots(const sks_cache *cache);

/* SKS_OUT_OF_MEMORY for a new cache: what it takes, what is free, and which windows would fit. */
int32_t sks_cache_explain(const sks_attention *attention, const sks_cache_spec *spec);

/* The same for a dense cache that is to have room for so many tokens. */
int32_t sks_cache_explain_growth(const sks_cache *cache, int64_t tokens);

#endif
