#include "ops/cache_memory.h"

#include <stdio.h>

#include "core/backend.h"
#include "core/fail.h"

enum {
  /* A dense cache starts with room for this many tokens, or for max_rows where that is more. */
  DENSE_START = 256,
  /* Of products' inputs and sums, which a device makes room for with the first steps: of a row, for
   * each channel of the model. */
  ROW_CHANNEL_BYTES = 48,
  LAST_PAGES = 32 << 20, /* of a device's memory */
  /* The sink tokens of the paper. */
  USUAL_SINKS = 4,
  ADVICE_BYTES = 224
};

bool sks_cache_whole_blocks(int64_t *slots) {
  if (__builtin_add_overflow(*slots, SKS_KV_SLOTS - 1, slots)) return false;
  *slots -= *slots % SKS_KV_SLOTS;
  return true;
}

bool sks_cache_first_slots(const sks_cache_spec *spec, int64_t *slots) {
  if (spec->window == SKS_DENSE) {
    *slots = spec->max_rows > DENSE_START ? spec->max_rows : DENSE_START;
    return sks_cache_whole_blocks(slots);
  }
  return !__builtin_add_overflow(spec->window, spec->max_rows, slots) &&
         !__builtin_add_overflow(*slots, spec->sinks, slots) && sks_cache_whole_blocks(slots);
}

bool sks_cache_layer_bytes(const sks_attention *attention, int32_t type, int64_t slots,
                           int64_t *bytes) {
  int64_t row = attention->device->backend->cache_row_bytes(type, attention->head_dim),
          per_slot = 2 * attention->kv_heads * row;
  return !__builtin_mul_overflow(per_slot, slots, bytes);
}

int64_t sks_cache_slot_bytes(const sks_attention *attention, int32_t type, int64_t slots) {
  int64_t bytes;
  bool counted = sks_cache_layer_bytes(attention, type, slots, &bytes) &&
                 !__builtin_mul_overflow(bytes, attention->layers, &bytes);
  return counted ? bytes : INT64_MAX;
}

int64_t sks_cache_first_bytes(const sks_attention *attention, const sks_cache_spec *spec) {
  int64_t slots;
  return sks_cache_first_slots(spec, &slots) ? sks_cache_slot_bytes(attention, spec->type, slots)
                                             : INT64_MAX;
}

int64_t sks_cache_bytes(const sks_cache *cache) {
  return sks_cache_slot_bytes(cache->attention, cache->type, cache->slots);
}

/* What is to stay free beside a cache: whoever follows an advice needs it. */
static int64_t kept_free(const sks_attention *attention, int32_t max_rows) {
  int64_t step_bytes = attention->device->backend->step_bytes;
  if (step_bytes == 0) return 0;
  return step_bytes +
         (int64_t)ROW_CHANNEL_BYTES * attention->heads * attention->head_dim * max_rows;
}

int64_t sks_cache_fitting_slots(const sks_cache *cache) {
  const sks_attention *attention = cache->attention;
  int64_t total, available, block = sks_cache_slot_bytes(attention, cache->type, SKS_KV_SLOTS);
  if (attention->device->backend->memory(attention->device, &total, &available) != SKS_OK) return 0;
  /* What it has now is free again afterwards; but no device gives its last pages. */
  int64_t kept = kept_free(attention, cache->max_rows) - sks_cache_bytes(cache);
  int64_t least = attention->device->backend->step_bytes > 0 ? LAST_PAGES : 0;
  int64_t room = available - (kept > least ? kept : least);
  return room > 0 ? room / block * SKS_KV_SLOTS : 0;
}

/* The largest window whose cache takes no more than `available` bytes; 0 where there is none. */
static int64_t window_within(const sks_attention *attention, sks_cache_spec spec,
                             int64_t available) {
  int64_t least = 0, most = spec.window;
  while (least < most) {
    spec.window = least + (most - least - 1) / 2 + 1; /* rounded up, without overflow */
    if (sks_cache_first_bytes(attention, &spec) <= available)
      least = spec.window;
    else
      most = spec.window - 1;
  }
  return least;
}

/* "with 1000 bytes left to compute in, 4+123 fits, with q8_0 keys and values 4+234": what would fit
 * in `available` bytes, up to the window of `spec`. */
static void advise(const sks_attention *attention, const sks_cache_spec *spec, int64_t available,
                   char text[ADVICE_BYTES]) {
  int64_t left = kept_free(attention, spec->max_rows);
  sks_cache_spec small = *spec;
  small.type = SKS_Q8_0;
  int64_t window = window_within(attention, *spec, available - left),
          small_window = window_within(attention, small, available - left);
  int used = 0;
  if (left > 0)
    used = snprintf(text, ADVICE_BYTES, "with %lld bytes left to compute in, ", (long long)left);
  if (window > 0)
    used += snprintf(text + used, (size_t)(ADVICE_BYTES - used), "%lld+%lld fits",
                     (long long)spec->sinks, (long long)window);
  else
    used += snprintf(text + used, (size_t)(ADVICE_BYTES - used), "no window fits");
  if (small_window > window)
    snprintf(text + used, (size_t)(ADVICE_BYTES - used), ", with q8_0 keys and values %lld+%lld",
             (long long)spec->sinks, (long long)small_window);
}

/* A window in place of a dense cache, of at most `tokens` tokens. */
static sks_cache_spec in_place_of_dense(int32_t max_rows, int32_t type, int64_t tokens) {
  return (sks_cache_spec){
      .sinks = USUAL_SINKS, .window = tokens, .max_rows = max_rows, .type = type};
}

int32_t sks_cache_explain(const sks_attention *attention, const sks_cache_spec *spec) {
  sks_device *device = attention->device;
  int64_t total = 0, available = 0, bytes = sks_cache_first_bytes(attention, spec);
  int32_t status = device->backend->memory(device, &total, &available);
  if (status != SKS_OK) return status;
  char advice[ADVICE_BYTES];
  if (spec->window == SKS_DENSE) {
    sks_cache_spec ring = in_place_of_dense(spec->max_rows, spec->type, DENSE_START);
    advise(attention, &ring, available, advice);
    return sks_fail(SKS_OUT_OF_MEMORY,
                    "a dense cache takes %lld bytes at its start; %s has %lld of %lld free; %s",
                    (long long)bytes, device->name, (long long)available, (long long)total, advice);
  }
  advise(attention, spec, available, advice);
  return sks_fail(SKS_OUT_OF_MEMORY,
                  "a cache of %lld+%lld tokens takes %lld bytes; %s has %lld of %lld free; %s",
                  (long long)spec->sinks, (long long)spec->window, (long long)bytes, device->name,
                  (long long)available, (long long)total, advice);
}

int32_t sks_cache_explain_growth(const sks_cache *cache, int64_t tokens) {
  const sks_attention *attention = cache->attention;
  sks_device *device = attention->device;
  int64_t total = 0, available = 0, slots = tokens;
  int32_t status = device->backend->memory(device, &total, &available);
  if (status != SKS_OK) return status;
  if (!sks_cache_whole_blocks(&slots)) slots = INT64_MAX;
  int64_t bytes = sks_cache_slot_bytes(attention, cache->type, slots),
          held = sks_cache_bytes(cache);
  sks_cache_spec ring = in_place_of_dense(cache->max_rows, cache->type, tokens);
  char advice[ADVICE_BYTES];
  advise(attention, &ring, available + held, advice);
  return sks_fail(SKS_OUT_OF_MEMORY,
                  "a dense cache of %lld tokens takes %lld bytes, and keeps the %lld that it has "
                  "until they are copied; %s has %lld of %lld free; in its place, %s",
                  (long long)tokens, (long long)bytes, (long long)held, device->name,
                  (long long)available, (long long)total, advice);
}
