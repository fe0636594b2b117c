#include "core/cache.h"

#include <string.h>

#include "core/attention.h"
#include "core/fail.h"
#include "core/memory.h"

/* A dense cache starts with room for this many tokens, or for max_rows where that is more. */
enum { DENSE_START = 256 };

/* Of one KV head with this many slots, which are whole blocks. */
static int64_t head_bytes(const sks_cache *cache, int64_t slots) {
  return slots / SKS_KV_SLOTS * sks_kv_block_bytes(cache->type, cache->attention->head_dim);
}

char *sks_cache_keys(const sks_cache *cache, int32_t layer, int32_t kv_head) {
  const sks_cache_layer *at = &cache->layers[layer];
  return at->blocks + kv_head * head_bytes(cache, at->slots);
}

char *sks_cache_values(const sks_cache *cache, int32_t layer, int32_t kv_head) {
  return sks_cache_keys(cache, layer, cache->attention->kv_heads + kv_head);
}

sks_kv_row sks_cache_key(const sks_cache *cache, int32_t layer, int32_t kv_head, int64_t slot) {
  return sks_kv_row_of(cache->type, cache->attention->head_dim, true,
                       sks_cache_keys(cache, layer, kv_head), slot);
}

sks_kv_row sks_cache_value(const sks_cache *cache, int32_t layer, int32_t kv_head, int64_t slot) {
  return sks_kv_row_of(cache->type, cache->attention->head_dim, false,
                       sks_cache_values(cache, layer, kv_head), slot);
}

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

/* Bytes of one layer with this many slots; false where that overflows. */
static bool layer_bytes(const sks_attention *attention, int32_t type, int64_t slots,
                        int64_t *bytes) {
  int64_t per_slot = 2 * attention->kv_heads * sks_kv_row_bytes(type, attention->head_dim);
  return !__builtin_mul_overflow(per_slot, slots, bytes);
}

static int64_t required_bytes(const sks_attention *attention, const sks_cache_spec *spec) {
  int64_t slots, bytes;
  if (!first_slots(spec, &slots) || !layer_bytes(attention, spec->type, slots, &bytes) ||
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

/* A ring's layers lie in one piece of memory, large enough for huge pages; those of a dense cache
 * grow one by one. */
static bool allocate_layers(sks_cache *cache, int64_t slots, int64_t layer_bytes) {
  int32_t layers = cache->attention->layers;
  bool dense = cache->ring.slots == SKS_ENDLESS;
  if (!dense) {
    cache->ring_blocks = sks_memory_allocate(layers * layer_bytes, "a cache");
    if (!cache->ring_blocks) return false;
  }
  for (int32_t layer = 0; layer < layers; layer++) {
    char *blocks = dense ? sks_memory_allocate(layer_bytes, "a layer of a cache")
                         : cache->ring_blocks + layer * layer_bytes;
    if (!blocks) return false;
    cache->layers[layer] = (sks_cache_layer){.blocks = blocks, .slots = slots};
  }
  return true;
}

int32_t sks_cache_create(const sks_attention *attention, const sks_cache_spec *spec,
                         sks_cache **cache) {
  int32_t status = check_spec(spec);
  if (status != SKS_OK) return status;

  /* Layer by layer the system might promise more than the machine has. */
  int64_t bytes = required_bytes(attention, spec), machine = sks_memory_of_machine();
  if (bytes > machine)
    return sks_fail(
        SKS_OUT_OF_MEMORY, "a cache of %lld+%lld tokens takes %lld bytes, this machine has %lld",
        (long long)spec->sinks, (long long)spec->window, (long long)bytes, (long long)machine);

  int64_t header = sizeof(sks_cache) + attention->layers * sizeof(sks_cache_layer);
  sks_cache *made = sks_memory_allocate(header, "a cache");
  if (!made) return SKS_OUT_OF_MEMORY;
  bool dense = spec->window == SKS_DENSE;
  made->attention = attention;
  made->max_rows = spec->max_rows;
  made->type = spec->type;
  made->ring = (sks_ring){.sinks = spec->sinks,
                          .window = dense ? SKS_ENDLESS : spec->window,
                          .slots = dense ? SKS_ENDLESS : spec->window + spec->max_rows,
                          .oldest = spec->sinks};
  int64_t slots = 0;
  first_slots(spec, &slots);
  if (!allocate_layers(made, slots, bytes / attention->layers)) {
    sks_cache_destroy(made);
    return sks_fail(SKS_OUT_OF_MEMORY,
                    "no memory for a cache of %lld+%lld tokens, which takes %lld bytes",
                    (long long)spec->sinks, (long long)spec->window, (long long)bytes);
  }
  *cache = made;
  return SKS_OK;
}

void sks_cache_destroy(sks_cache *cache) {
  if (!cache) return;
  for (int32_t layer = 0; !cache->ring_blocks && layer < cache->attention->layers; layer++)
    sks_memory_free(cache->layers[layer].blocks);
  sks_memory_free(cache->ring_blocks);
  sks_memory_free(cache);
}

static int32_t grow_layer(sks_cache *cache, int32_t layer, int64_t slots) {
  const sks_attention *attention = cache->attention;
  sks_cache_layer *at = &cache->layers[layer];
  int64_t bytes;
  if (!whole_blocks(&slots) || !layer_bytes(attention, cache->type, slots, &bytes))
    return sks_fail(SKS_OUT_OF_MEMORY, "a dense cache of %lld tokens takes more than 2^63 bytes",
                    (long long)slots);
  char *blocks = sks_memory_allocate(bytes, "a dense cache's growth");
  if (!blocks) return SKS_OUT_OF_MEMORY;
  int64_t from = head_bytes(cache, at->slots), to = head_bytes(cache, slots);
  for (int64_t head = 0; head < 2 * attention->kv_heads; head++)
    memcpy(blocks + head * to, at->blocks + head * from, (size_t)from);
  sks_memory_free(at->blocks);
  *at = (sks_cache_layer){.blocks = blocks, .slots = slots};
  return SKS_OK;
}

int32_t sks_cache_grow(sks_cache *cache, int64_t tokens) {
  if (tokens < 0)
    return sks_fail(SKS_INVALID_ARGUMENT, "room for %lld tokens, expected 0 or more",
                    (long long)tokens);
  int32_t layers = cache->ring.slots == SKS_ENDLESS ? cache->attention->layers : 0;
  for (int32_t layer = 0; layer < layers; layer++) {
    if (tokens <= cache->layers[layer].slots) continue;
    int32_t status = grow_layer(cache, layer, tokens);
    if (status != SKS_OK) return status;
  }
  return SKS_OK;
}

int32_t sks_cache_reserve(sks_cache *cache, int64_t tokens) {
  int64_t slots = cache->layers[cache->attention->layers - 1].slots; /* grown last */
  if (tokens <= slots) return SKS_OK;
  /* Doubling, so that the copies cost a constant per token. */
  return sks_cache_grow(cache, tokens > 2 * slots ? tokens : 2 * slots);
}

int64_t sks_cache_bytes(const sks_cache *cache) {
  int64_t total = 0;
  for (int32_t layer = 0; layer < cache->attention->layers; layer++)
    total += 2 * cache->attention->kv_heads * head_bytes(cache, cache->layers[layer].slots);
  return total;
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

typedef struct move {
  sks_cache *cache;
  int64_t from, end; /* rows of [from, end) go down by `distance` tokens, ... */
  int64_t distance;
  const double
      *turn; /* ... their keys turned by cosine and sine of channel i at turn[2 i]; or NULL */
} move;

/* The key `from`, turned, becomes the key `to`. */
static void turn_back(const sks_attention *attention, const double *turn, sks_kv_row from,
                      sks_kv_row to) {
  float row[SKS_MAX_HEAD_DIM];
  bool interleaved = attention->rotary_layout == SKS_ROTARY_INTERLEAVED;
  int32_t step = interleaved ? 2 : 1, apart = interleaved ? 1 : attention->rotary_half;
  sks_kv_load(&attention->device->kernels, from, row);
  for (int32_t i = 0; i < attention->rotary_half; i++) {
    float *pair = row + i * step;
    double a = pair[0], b = pair[apart];
    pair[0] = (float)(a * turn[2 * i] - b * turn[2 * i + 1]);
    pair[apart] = (float)(b * turn[2 * i] + a * turn[2 * i + 1]);
  }
  sks_kv_store(&attention->device->kernels, row, to);
}

static void copy_row(sks_kv_row from, sks_kv_row to) {
  char packed[SKS_MAX_ROW_BYTES];
  sks_kv_pack(from, packed);
  sks_kv_unpack(packed, to);
}

static void move_head(void *argument, int64_t index, int32_t thread) {
  (void)thread;
  const move *m = argument;
  const sks_attention *attention = m->cache->attention;
  int32_t layer = (int32_t)(index / attention->kv_heads),
          head = (int32_t)(index % attention->kv_heads);
  for (int64_t i = m->from; i < m->end; i++) {
    int64_t source = sks_slot_of(&m->cache->ring, i),
            target = sks_slot_of(&m->cache->ring, i - m->distance);
    sks_kv_row key = sks_cache_key(m->cache, layer, head, source),
               moved = sks_cache_key(m->cache, layer, head, target);
    if (m->turn)
      turn_back(attention, m->turn, key, moved);
    else
      copy_row(key, moved);
    copy_row(sks_cache_value(m->cache, layer, head, source),
             sks_cache_value(m->cache, layer, head, target));
  }
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

  const sks_attention *attention = cache->attention;
  int64_t distance = end - begin;
  double turn[SKS_MAX_HEAD_DIM];
  for (int32_t i = 0; i < attention->rotary_half; i++)
    sks_phase(attention->turns[i], -distance, &turn[2 * i], &turn[2 * i + 1]);
  move moves = {cache, end, cache->position, distance, attention->rotary_half ? turn : NULL};
  sks_pool_run(attention->device->pool, (int64_t)attention->layers * attention->kv_heads, move_head,
               &moves);
  cut(cache, cache->position - distance, first);
  return SKS_OK;
}
