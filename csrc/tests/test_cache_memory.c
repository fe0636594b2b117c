/* Caches where memory is short, on a device that says how much of it there is: how far they grow,
 * and that what an error advises fits. */
#include <stdio.h>
#include <string.h>

#include "core/backend.h"
#include "core/cache.h"
#include "core/fail.h"
#include "core/round_up.h"
#include "support/check.h"
#include "support/stage.h"

static sks_device *device;
static const sks_backend *cpu;
static int64_t available;

/* As a GPU has them: in whole 16 bytes. */
static int64_t row_bytes(int32_t type, int64_t head_dim) {
  return sks_round_up(sks_kv_row_bytes(type, head_dim), 16);
}

static int32_t memory(sks_device *at, int64_t *total, int64_t *available_now) {
  (void)at;
  *total = INT64_C(1) << 40;
  *available_now = available;
  return SKS_OK;
}

static int32_t allocate(sks_cache *cache, int64_t slots, int64_t bytes) {
  if (bytes > available) return sks_fail(SKS_OUT_OF_MEMORY, "%lld bytes", (long long)bytes);
  int32_t status = cpu->cache_allocate(cache, slots, bytes);
  if (status == SKS_OK) available -= bytes;
  return status;
}

/* As on a GPU, old and new storage are there at once. */
static int32_t grow(sks_cache *cache, int64_t slots) {
  int64_t bytes = sks_cache_bytes(cache) / cache->slots * slots;
  if (bytes > available) return sks_fail(SKS_OUT_OF_MEMORY, "%lld bytes", (long long)bytes);
  int32_t status = cpu->cache_grow(cache, slots);
  if (status == SKS_OK) available -= bytes - sks_cache_bytes(cache);
  return status;
}

enum { LAST_PAGES = 32 << 20 }; /* that no device gives */

/* 512 bytes for a token. */
static const stage_spec DENSE = {.layers = 2,
                                 .heads = 4,
                                 .kv_heads = 2,
                                 .head_dim = 16,
                                 .rotary_dim = 16,
                                 .window = SKS_DENSE,
                                 .max_rows = 50};

/* What the last error says stays free beside what it advises. */
static int64_t left_to_compute_in(void) {
  long long left = 0;
  const char *at = strstr(sks_last_error(), "with ");
  REQUIRE(at && sscanf(at, "with %lld bytes left to compute in", &left) == 1, "%s",
          sks_last_error());
  return left;
}

static void test_bytes_of_a_row(void) {
  stage_spec small = DENSE;
  small.head_dim = 40;
  small.window = 12;
  available = INT64_MAX;
  stage *s = stage_create(device, &small, 1, 1);
  sks_cache_spec spec = {3, 12, 5, SKS_Q8_0};
  int64_t bytes, rows = 2 * 2 * 2 * 32; /* 40 bytes and 2 scales each, in 48 */
  REQUIRE(sks_cache_required_bytes(s->attention, &spec, &bytes) == SKS_OK && bytes == rows * 48,
          "%lld", (long long)bytes);
  stage_destroy(s);
}

/* What room there is once there is some for `tokens`. */
static void require_room(sks_cache *cache, int64_t tokens, int64_t room) {
  REQUIRE(sks_cache_grow(cache, tokens, INT64_MAX) == SKS_OK && sks_cache_room(cache) == room,
          "%lld: %s", (long long)sks_cache_room(cache), sks_last_error());
}

/* Doubled, then as far as memory goes, then as far as is needed; in the end it is refused, and goes
 * on. */
static void test_growth_is_cut_to_memory(void) {
  available = INT64_C(1) << 30;
  stage *s = stage_create(device, &DENSE, 1, 2);
  sks_cache *cache = s->caches[0];
  available = 0;
  CHECK_REFUSED(sks_cache_grow(cache, 1 << 20, 0), SKS_OUT_OF_MEMORY, "no window fits");
  REQUIRE(!strstr(sks_last_error(), "+0"), "%s", sks_last_error());
  available = INT64_C(1) << 30;
  require_room(cache, 257, 512);
  require_room(cache, 70000, 70000); /* more than the double */
  available = LAST_PAGES + 72000 * 512 + 100;
  require_room(cache, 70001, 72000);
  require_room(cache, 72001, 72016);
  available = 72032 * 512 - 1;
  CHECK_REFUSED(sks_cache_grow(cache, 72017, INT64_MAX), SKS_OUT_OF_MEMORY,
                "72017 tokens takes 36880384 bytes, and keeps the 36872192 that it has");
  REQUIRE(sks_cache_room(cache) == 72016, "%lld", (long long)sks_cache_room(cache));
  available = 72032 * 512;
  require_room(cache, 72017, 72032);
  available = INT64_C(1) << 30;
  stage_step(s, (int32_t[STAGE_STREAMS]){50}, 3, false);
  stage_destroy(s);
}

/* The windows that the last error names, as they are and with q8_0: the largest that fit. */
static void require_advice_fits(const stage *s, int64_t free_bytes, int32_t type) {
  long long sinks = 0, window = 0, small_sinks = 0, small = 0;
  int64_t left = left_to_compute_in();
  const char *at = strstr(sks_last_error(), "compute in, ");
  REQUIRE(sscanf(at, "compute in, %lld+%lld fits, with q8_0 keys and values %lld+%lld", &sinks,
                 &window, &small_sinks, &small) == 4,
          "%s", sks_last_error());
  REQUIRE(sinks == 4 && small_sinks == 4, "%s", sks_last_error());
  const struct {
    int64_t window;
    int32_t type;
  } advised[] = {{window, type}, {small, SKS_Q8_0}};
  for (int i = 0; i < 2; i++) {
    sks_cache_spec spec = {4, advised[i].window, 50, advised[i].type};
    int64_t bytes;
    REQUIRE(sks_cache_required_bytes(s->attention, &spec, &bytes) == SKS_OK &&
                bytes <= free_bytes - left,
            "%lld bytes for %s", (long long)bytes, sks_last_error());
    spec.window += SKS_KV_SLOTS;
    REQUIRE(sks_cache_required_bytes(s->attention, &spec, &bytes) == SKS_OK &&
                bytes > free_bytes - left,
            "more than 4+%lld fits", (long long)advised[i].window);
  }
}

static void test_advice_fits(void) {
  for (int32_t type = SKS_F32; type <= SKS_BF16; type++) {
    available = INT64_C(1) << 30;
    stage_spec dense = DENSE;
    dense.type = type;
    dense.head_dim = 32; /* q8_0 rows of 34 bytes in 48 */
    stage *s = stage_create(device, &dense, 1, 4);
    sks_cache *none = NULL;
    sks_cache_spec large = {4, INT64_C(1) << 40, 50, type};
    available = INT64_C(1) << 29;
    CHECK_REFUSED(sks_cache_create(s->attention, &large, &none), SKS_OUT_OF_MEMORY,
                  "a cache of 4+1099511627776 tokens takes");
    REQUIRE(!none, "a refused call set the cache");
    require_advice_fits(s, available, type);
    CHECK_REFUSED(sks_cache_grow(s->caches[0], INT64_C(1) << 30, 0), SKS_OUT_OF_MEMORY,
                  "a dense cache of 1073741824 tokens takes");
    require_advice_fits(s, available + sks_cache_bytes(s->caches[0]), type);
    stage_destroy(s);
  }
}

static void test_no_advice_where_nothing_fits(void) {
  available = INT64_C(1) << 30;
  stage *s = stage_create(device, &DENSE, 1, 5);
  sks_cache_spec specs[] = {{4, 1000, 50, SKS_F32}, {0, SKS_DENSE, 50, SKS_F32}};
  for (int i = 0; i < 2; i++) {
    sks_cache *none = NULL;
    available = 1000;
    CHECK_REFUSED(sks_cache_create(s->attention, &specs[i], &none), SKS_OUT_OF_MEMORY,
                  "has 1000 of 1099511627776 free; with ");
    REQUIRE(!none && strstr(sks_last_error(), "left to compute in, no window fits") &&
                !strstr(sks_last_error(), "q8_0"),
            "%s", sks_last_error());
  }
  stage_destroy(s);
}

int main(void) {
  int64_t held = sks_allocated_bytes();
  REQUIRE(sks_device_open_cpu(2, NULL, &device) == SKS_OK, "%s", sks_last_error());
  cpu = device->backend;
  sks_backend limited = *cpu;
  limited.memory = memory;
  limited.cache_row_bytes = row_bytes;
  limited.cache_allocate = allocate;
  limited.cache_grow = grow;
  device->backend = &limited;
  limited.step_bytes = 1 << 20;
  test_growth_is_cut_to_memory();
  limited.step_bytes = 384 << 20;
  test_advice_fits();
  test_no_advice_where_nothing_fits();
  test_bytes_of_a_row();
  device->backend = cpu;
  sks_device_close(device);
  REQUIRE(sks_allocated_bytes() == held, "%lld bytes leaked",
          (long long)(sks_allocated_bytes() - held));
  return check_report();
}
