#include "core/cache.h"

#include "core/attention.h"
#include "core/backend.h"
#include "core/memory.h"
#include "ops/cache_memory.h"
#include "ops/check.h"

static int32_t check_spec(const sks_cache_spec *spec) {
  if (spec->window != SKS_DENSE && spec->window < 1)
    return sks_fail(SKS_INVALID_ARGUMENT,
                    "cache window is %lld; expected at least 1, or SKS_DENSE (-1)",
                    (long long)spec->window);
  int32_t status = sks_require_range(spec->sinks, 0, INT64_MAX, "cache sinks");
  if (status == SKS_OK) status = sks_require_range(spec->max_rows, 1, INT32_MAX, "cache max_rows");
  if (status != SKS_OK) return status;
  if (spec->window == SKS_DENSE && spec->sinks != 0)
    return sks_fail(SKS_INVALID_ARGUMENT, "cache sinks is %lld; expected 0 for a dense cache",
                    (long long)spec->sinks);
  if (spec->type < 0 || spec->type >= SKS_KV_TYPES)
    return sks_fail(
        SKS_INVALID_ARGUMENT,
        "cache type is %d; expected SKS_F32 (0), SKS_F16 (1), SKS_BF16 (2) or SKS_Q8_0 (3)",
        spec->type);
  return SKS_OK;
}

int32_t sks_cache_required_bytes(const sks_attention *attention, const sks_cache_spec *spec,
                                 int64_t *bytes) {
  int32_t status = check_spec(spec);
  if (status == SKS_OK) *bytes = sks_cache_first_bytes(attention, spec);
  return status;
}

int32_t sks_cache_create(const sks_attention *attention, const sks_cache_spec *spec,
                         sks_cache **cache) {
  int32_t status = check_spec(spec);
  if (status != SKS_OK) return status;

  sks_device *device = attention->device;
  int64_t bytes = sks_cache_first_bytes(attention, spec), total, available;
  status = device->backend->memory(device, &total, &available);
  if (status != SKS_OK) return status;
  /* Layer by layer the system might promise more than there is. */
  if (bytes > total) return sks_cache_explain(attention, spec);

  sks_cache *made = sks_memory_allocate(sizeof(sks_cache), "a cache");
  if (!made) return SKS_OUT_OF_MEMORY;
  bool dense = spec->window == SKS_DENSE;
  made->attention = attention;
  made->max_rows = spec->max_rows;
  made->type = spec->type;
  made->ring = (sks_ring){.sinks = spec->sinks,
                          .window = dense ? SKS_ENDLESS : spec->window,
                          .slots = dense ? SKS_ENDLESS : spec->window + spec->max_rows,
                          .oldest = spec->sinks};
  sks_cache_first_slots(spec, &made->slots);
  status = device->backend->cache_allocate(made, made->slots, bytes);
  if (status != SKS_OK) {
    sks_memory_free(made);
    return status == SKS_OUT_OF_MEMORY ? sks_cache_explain(attention, spec) : status;
  }
  *cache = made;
  return SKS_OK;
}

void sks_cache_destroy(sks_cache *cache) {
  if (!cache) return;
  cache->attention->device->backend->cache_free(cache);
  sks_memory_free(cache);
}

/* For whole blocks of slots. */
static int32_t grow_to(sks_cache *cache, int64_t slots) {
  int32_t status = cache->attention->device->backend->cache_grow(cache, slots);
  if (status != SKS_OK) return status;
  cache->slots = slots;
  cache->edits++; /* what a step that has begun knows of it may have moved */
  return SKS_OK;
}

/* Fewer than wanted, as many as there is memory for, and no fewer than needed. */
static int32_t grow_within_memory(sks_cache *cache, int64_t needed, int64_t wanted) {
  int64_t fitting = sks_cache_fitting_slots(cache);
  int32_t status = SKS_OUT_OF_MEMORY;
  if (fitting > needed && fitting < wanted) status = grow_to(cache, fitting);
  return status == SKS_OUT_OF_MEMORY ? grow_to(cache, needed) : status;
}

int32_t sks_cache_grow(sks_cache *cache, int64_t tokens, int64_t most) {
  if (tokens < 0)
    return sks_fail(SKS_INVALID_ARGUMENT, "room for %lld tokens; expected 0 or more",
                    (long long)tokens);
  if (cache->ring.slots != SKS_ENDLESS || tokens <= cache->slots) return SKS_OK;
  const sks_attention *attention = cache->attention;
  int64_t needed = tokens, wanted = 2 * cache->slots < most ? 2 * cache->slots : most;
  if (!sks_cache_whole_blocks(&needed) ||
      sks_cache_slot_bytes(attention, cache->type, needed) == INT64_MAX)
    return sks_fail(SKS_OUT_OF_MEMORY, "a dense cache of %lld tokens takes more than 2^63 bytes",
                    (long long)tokens);
  if (wanted < tokens || !sks_cache_whole_blocks(&wanted) ||
      sks_cache_slot_bytes(attention, cache->type, wanted) == INT64_MAX)
    wanted = needed;
  int32_t status = grow_to(cache, wanted);
  if (status == SKS_OUT_OF_MEMORY && wanted > needed)
    status = grow_within_memory(cache, needed, wanted);
  return status == SKS_OUT_OF_MEMORY ? sks_cache_explain_growth(cache, tokens) : status;
}

int64_t sks_cache_room(const sks_cache *cache) {
  return cache->ring.slots == SKS_ENDLESS ? cache->slots : INT64_MAX;
}

int64_t sks_cache_position(const sks_cache *cache) { return cache->position; }

int64_t sks_cache_tokens(const sks_cache *cache) {
  return sks_view_of(&cache->ring, cache->position).query;
}

/* The contents end at `position`; nothing is left of window tokens before `oldest` nor of any after
 * the end. */
static void cut(sks_cache *cache, int64_t position, int64_t oldest) {
  cache->position = cache->stored_end = position;
  cache->ring.oldest = oldest;
  cache->edits++;
}

void sks_cache_clear(sks_cache *cache) { cut(cache, 0, cache->ring.sinks); }

int32_t sks_cache_drop_last(sks_cache *cache, int64_t count) {
  if (count < 0 || count > cache->position)
    return sks_fail(SKS_INVALID_ARGUMENT, "cannot drop %lld tokens; expected 0 to %lld",
                    (long long)count, (long long)cache->position);
  const sks_ring *ring = &cache->ring;
  int64_t position = cache->position - count;
  if (position <= ring->sinks) {
    cut(cache, position, ring->sinks);
    return SKS_OK;
  }
  int64_t first = sks_view_of(ring, position).first;
  if (position < ring->oldest ||
      (first < position && first < sks_first_kept(ring, cache->stored_end)))
    return sks_fail(SKS_IMPOSSIBLE,
                    "cannot drop %lld tokens: token %lld would see token %lld, which is evicted",
                    (long long)count, (long long)position,
                    (long long)(first < position ? first : position - 1));
  if (first == position) {
    cut(cache, position, position);
    return SKS_OK;
  }
  cache->position = position;
  cache->edits++;
  return SKS_OK;
}

int32_t sks_cache_evict(sks_cache *cache, int64_t begin, int64_t end) {
  if (begin < 0 || begin > end || end > cache->position)
    return sks_fail(SKS_INVALID_ARGUMENT,
                    "cannot evict [%lld, %lld); expected a range within 0 to %lld",
                    (long long)begin, (long long)end, (long long)cache->position);
  if (begin < cache->ring.sinks)
    return sks_fail(SKS_INVALID_ARGUMENT,
                    "cannot evict from %lld: the first %lld tokens are sink tokens",
                    (long long)begin, (long long)cache->ring.sinks);
  if (begin == end) return SKS_OK;
  int64_t first = sks_view_of(&cache->ring, cache->position).first;
  if (begin < first)
    return sks_fail(SKS_IMPOSSIBLE, "cannot evict from %lld: the window starts at %lld",
                    (long long)begin, (long long)first);

  int64_t distance = end - begin;
  int32_t status =
      cache->attention->device->backend->cache_move(cache, end, cache->position, distance);
  if (status != SKS_OK) return status;
  cut(cache, cache->position - distance, first);
  return SKS_OK;
}
