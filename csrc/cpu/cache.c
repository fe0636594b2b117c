#include "cpu/cache.h"

#include <string.h>

#include "core/memory.h"
#include "cpu/cpu.h"

/* Of one KV head with this many slots, which are whole blocks. */
static int64_t head_bytes(const sks_cache *cache, int64_t slots) {
  return slots / SKS_KV_SLOTS * sks_kv_block_bytes(cache->type, cache->attention->head_dim);
}

char *sks_cache_keys(const sks_cache *cache, int32_t layer, int32_t kv_head) {
  const sks_cache_layer *at = &((sks_cpu_cache *)cache->own)->layers[layer];
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

/* A ring's layers lie in one piece of memory, large enough for huge pages; those of a dense cache
 * grow one by one. */
static bool allocate_layers(const sks_cache *cache, int64_t slots, int64_t layer_bytes) {
  sks_cpu_cache *made = cache->own;
  int32_t layers = cache->attention->layers;
  bool dense = cache->ring.slots == SKS_ENDLESS;
  if (!dense) {
    made->ring_blocks = sks_memory_allocate(layers * layer_bytes, "a cache");
    if (!made->ring_blocks) return false;
  }
  for (int32_t layer = 0; layer < layers; layer++) {
    char *blocks = dense ? sks_memory_allocate(layer_bytes, "a layer of a cache")
                         : made->ring_blocks + layer * layer_bytes;
    if (!blocks) return false;
    made->layers[layer] = (sks_cache_layer){.blocks = blocks, .slots = slots};
  }
  return true;
}

int32_t sks_cpu_cache_allocate(sks_cache *cache, int64_t slots, int64_t bytes) {
  int32_t layers = cache->attention->layers;
  cache->own = sks_memory_allocate(
      (int64_t)(sizeof(sks_cpu_cache) + (size_t)layers * sizeof(sks_cache_layer)), "a cache");
  if (!cache->own) return SKS_OUT_OF_MEMORY;
  if (allocate_layers(cache, slots, bytes / layers)) return SKS_OK;
  sks_cpu_cache_free(cache);
  return SKS_OUT_OF_MEMORY;
}

void sks_cpu_cache_free(sks_cache *cache) {
  sks_cpu_cache *made = cache->own;
  for (int32_t layer = 0; !made->ring_blocks && layer < cache->attention->layers; layer++)
    sks_memory_free(made->layers[layer].blocks);
  sks_memory_free(made->ring_blocks);
  sks_memory_free(made);
}

static int32_t grow_layer(sks_cache *cache, int32_t layer, int64_t slots) {
  const sks_attention *attention = cache->attention;
  sks_cache_layer *at = &((sks_cpu_cache *)cache->own)->layers[layer];
  int64_t bytes;
  sks_cache_layer_bytes(attention, cache->type, slots, &bytes);
  char *blocks = sks_memory_allocate(bytes, "a dense cache's growth");
  if (!blocks) return SKS_OUT_OF_MEMORY;
  int64_t from = head_bytes(cache, at->slots), to = head_bytes(cache, slots);
  for (int64_t head = 0; head < 2 * attention->kv_heads; head++)
    memcpy(blocks + head * to, at->blocks + head * from, (size_t)from);
  sks_memory_free(at->blocks);
  *at = (sks_cache_layer){.blocks = blocks, .slots = slots};
  return SKS_OK;
}

int32_t sks_cpu_cache_grow(sks_cache *cache, int64_t slots) {
  const sks_cpu_cache *made = cache->own;
  for (int32_t layer = 0; layer < cache->attention->layers; layer++) {
    if (made->layers[layer].slots >= slots) continue;
    int32_t status = grow_layer(cache, layer, slots);
    if (status != SKS_OK) return status;
  }
  return SKS_OK;
}

typedef struct move {
  sks_cache *cache;
  int64_t from, end; /* rows of [from, end) go down by `distance` tokens, ... */
  int64_t distance;
  /* ... their keys turned by cosine and sine of channel i at turn[2 i]; or NULL */
  const double *turn;
} move;

/* The key `from`, turned, becomes the key `to`. */
static void turn_back(const sks_attention *attention, const double *turn, sks_kv_row from,
                      sks_kv_row to) {
  float row[SKS_MAX_HEAD_DIM];
  bool interleaved = attention->rotary_layout == SKS_ROTARY_INTERLEAVED;
  int32_t step = interleaved ? 2 : 1, apart = interleaved ? 1 : attention->rotary_half;
  sks_kv_load(&sks_cpu_of(attention->device)->kernels, from, row);
  for (int32_t i = 0; i < attention->rotary_half; i++) {
    float *pair = row + i * step;
    double a = pair[0], b = pair[apart];
    pair[0] = (float)(a * turn[2 * i] - b * turn[2 * i + 1]);
    pair[apart] = (float)(b * turn[2 * i] + a * turn[2 * i + 1]);
  }
  sks_kv_store(&sks_cpu_of(attention->device)->kernels, row, to);
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

int32_t sks_cpu_cache_move(sks_cache *cache, int64_t from, int64_t end, int64_t distance) {
  const sks_attention *attention = cache->attention;
  double turn[SKS_MAX_HEAD_DIM];
  for (int32_t i = 0; i < attention->rotary_half; i++)
    sks_phase(attention->turns[i], -distance, &turn[2 * i], &turn[2 * i + 1]);
  move moves = {cache, from, end, distance, attention->rotary_half ? turn : NULL};
  sks_pool_run(sks_cpu_of(attention->device)->pool,
               (int64_t)attention->layers * attention->kv_heads, move_head, &moves);
  return SKS_OK;
}

/* Copies all rows of `spans` between the cache and the packed `bytes`: by layer, keys before
 * values, by head. */
static void copy_rows(const sks_cache *cache, const sks_span spans[SKS_SPANS], char *bytes,
                      bool import) {
  const sks_attention *attention = cache->attention;
  int64_t row_bytes = sks_kv_row_bytes(cache->type, attention->head_dim);
  for (int32_t layer = 0; layer < attention->layers; layer++) {
    for (int32_t i = 0; i < 2 * attention->kv_heads; i++) {
      bool keys = i < attention->kv_heads;
      const char *blocks = keys ? sks_cache_keys(cache, layer, i)
                                : sks_cache_values(cache, layer, i - attention->kv_heads);
      for (const sks_span *span = spans; span < spans + SKS_SPANS; span++) {
        for (int64_t slot = span->slot; slot < span->slot + span->count; slot++) {
          sks_kv_row row = sks_kv_row_of(cache->type, attention->head_dim, keys, blocks, slot);
          if (import)
            sks_kv_unpack(bytes, row);
          else
            sks_kv_pack(row, bytes);
          bytes += row_bytes;
        }
      }
    }
  }
}

int32_t sks_cpu_cache_pack(const sks_cache *cache, const sks_span spans[SKS_SPANS], char *packed) {
  copy_rows(cache, spans, packed, false);
  return SKS_OK;
}

int32_t sks_cpu_cache_unpack(sks_cache *cache, const sks_span spans[SKS_SPANS],
                             const char *packed) {
  copy_rows(cache, spans, (char *)packed, true);
  return SKS_OK;
}
