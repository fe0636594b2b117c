#include "core/cache.h"

#include "core/attention.h"
#include "core/backend.h"
#include "core/fail.h"
#include "core/memory.h"

/* A dense cache starts with room for this many tokens, or for max_rows where that is more. */
enum { DENSE_START = 256 };

static int32_t check_spec(const sks_cache_spec *spec) {
  if (spec->window != SKS_DENSE && spec->window < 1)
    return sks_fail(SKS_INVALID_ARGUMENT,
                    "cache window is %lld, expected at least 1, or SKS_DENSE (-1)",
                    (long long)spec->window);
  if (spec->sinks < 0)
    return sks_fail(SKS_INVALID_ARGUMENT, "cache sinks is %lld, expected at least 0",
                    (long long)spec->sinks);
  if (spec->window == SKS_DENSE && spec->sinks != 0)
    return sks_fail(SKS_INVALID_ARGUMENT, "cache sinks is %lld, expected 0 for a dense cache",
                    (long long)spec->sinks);
  if (spec->max_rows < 1)
    return sks_fail(SKS_INVALID_ARGUMENT, "cache max_rows is %d, expected at least 1",
                    spec->max_rows);
  if (spec->type < 0 || spec->type >= SKS_KV_TYPES)
    return sks_fail(
        SKS_INVALID_ARGUMENT,
        "cache type is %d, expected SKS_F32 (0), SKS_F16 (1), SKS_BF16 (2) or SKS_Q8_0 (3)",
        spec->type);
  return SKS_OK;
}

/* Rounds up to whole blocks; false where that overflows. */
static bool whole_blocks(int64_t *slots) {
  if (__builtin_add_overflow(*slots, SKS_KV_SLOTS - 1, slots)) return false;
  *slots -= *slots % SKS_KV_SLOTS;
  return true;
}

/* Slots of a new cache; false where that overflows. */
static bool first_slots(const sks_cache_spec *spec, int64_t *slots) {
  if (spec->window == SKS_DENSE) {
    *slots = spec->max_rows > DENSE_START ? spec->max_rows : DENSE_START;
    return whole_blocks(slots);
  }
  return !__builtin_add_overflow(spec->window, spec->max_rows, slots) &&
         !__builtin_add_overflow(*slots, spec->sinks, slots) && whole_blocks(slots);
}

bool sks_cache_layer_bytes(const sks_attention *attention, int32_t type, int64_t slots,
                           int64_t *bytes) {
  int64_t row = attention->device->backend->cache_row_bytes(type, attention->head_dim),
          per_slot = 2 * attention->kv_heads * row;
  return !__builtin_mul_overflow(per_slot, slots, bytes);
}

static int64_t required_bytes(const sks_attention *attention, const sks_cache_spec *spec) {
  int64_t slots, bytes;
  if (!first_slots(spec, &slots) || !sks_cache_layer_bytes(attention, spec->type, slots, &bytes) ||
      __builtin_mul_overflow(bytes, attention->layers, &bytes))
    return INT64_MAX;
  return bytes;
}

int32_t sks_cache_required_bytes(const sks_attention *attention, const sks_cache_spec *spec,
                                 int64_t *bytes) {
  int32_t status = check_spec(spec);
  if (status == SKS_OK) *bytes = required_bytes(attention, spec);
  return status;
}

/* The largest window whose cache takes no more than `available` bytes; 0 where there is none. */
static int64_t window_within(const sks_attention *attention, sks_cache_spec spec,
                             int64_t available) {
  int64_t least = 0, most = spec.window;
  while (least < most) {
    spec.window = least + (most - least - 1) / 2 + 1; /* rounded up, without overflow */
    if (required_bytes(attention, &spec) <= available)
      least = spec.window;
    else
      most = spec.window - 1;
  }
  return least;
}

/* Says what is needed, what there is, and what would fit. */
static int32_t explain(const sks_attention *attention, const sks_cache_spec *spec) {
  sks_device *device = attention->device;
  int64_t total = 0, available = 0, bytes = required_bytes(attention, spec);
  int32_t status = device->backend->memory(device, &total, &available);
  if (status != SKS_OK) return status;
  sks_cache_spec small = *spec;
  small.type = SKS_Q8_0;
  if (spec->window == SKS_DENSE)
    return sks_fail(SKS_OUT_OF_MEMORY,
                    "a dense cache takes %lld bytes at its start; %s has %lld of %lld free",
                    (long long)bytes, device->name, (long long)available, (long long)total);
  return sks_fail(SKS_OUT_OF_MEMORY,
                  "a cache of %lld+%lld tokens takes %lld bytes; %s has %lld of %lld free, enough "
                  "for %lld+%lld, with q8_0 keys and values for %lld+%lld",
                  (long long)spec->sinks, (long long)spec->window, (long long)bytes, device->name,
                  (long long)available, (long long)total, (long long)spec->sinks,
                  (long long)window_within(attention, *spec, available), (long long)spec->sinks,
                  (long long)window_within(attention, small, available));
}

int32_t sks_cache_create(const sks_attention *attention, const sks_cache_spec *spec,
                         sks_cache **cache) {
  int32_t status = check_spec(spec);
  if (status != SKS_OK) return status;

  sks_device *device = attention->device;
  int64_t bytes = required_bytes(attention, spec), total, available;
  status = device->backend->memory(device, &total, &available);
  if (status != SKS_OK) return status;
  /* Layer by layer the system might promise more than there is. */
  if (bytes > total) return explain(attention, spec);

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
  first_slots(spec, &made->slots);
  status = device->backend->cache_allocate(made, made->slots, bytes);
  if (status != SKS_OK) {
    sks_memory_free(made);
    return explain(attention, spec);
  }
  *cache = made;
  return SKS_OK;
}

void sks_cache_destroy(sks_cache *cache) {
  if (!cache) return;
  cache->attention->device->backend->cache_free(cache);
  sks_memory_free(cache);
}

int32_t sks_cache_grow(sks_cache *cache, int64_t tokens) {
  if (tokens < 0)
    return sks_fail(SKS_INVALID_ARGUMENT, "room for %lld tokens, expected 0 or more",
                    (long long)tokens);
  if (cache->ring.slots == SKS_ENDLESS && tokens > cache->slots) {
    int64_t slots = tokens, bytes;
    if (!whole_blocks(&slots) ||
        !sks_cache_layer_bytes(cache->attention, cache->type, slots, &bytes))
      return sks_fail(SKS_OUT_OF_MEMORY, "a dense cache of %lld tokens takes more than 2^63 bytes",
                      (long long)slots);
    int32_t status = cache->attention->device->backend->cache_grow(cache, slots);
    if (status != SKS_OK) return status;
    cache->slots = slots;
  }
  return SKS_OK;
}

int32_t sks_cache_reserve(sks_cache *cache, int64_t tokens) {
  if (cache->ring.slots != SKS_ENDLESS || tokens <= cache->slots) return SKS_OK;
  /* Doubling, so that the copies cost a constant per token. */
  return sks_cache_grow(cache, tokens > 2 * cache->slots ? tokens : 2 * cache->slots);
}

int64_t sks_cache_bytes(const sks_cache *cache) {
  int64_t bytes = 0;
  sks_cache_layer_bytes(cache->attention, cache->type, cache->slots, &bytes);
  return bytes * cache->attention->layers;
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
    return sks_fail(SKS_INVALID_ARGUMENT, "cannot drop %lld tokens, expected 0 to %lld",
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
                    "cannot evict [%lld, %lld), expected a range within 0 to %lld",
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
