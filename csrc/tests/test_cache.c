/* Creating, growing, clearing, dropping, evicting, exporting and importing caches; attention goes
 * on as the oracle says. */
#include <string.h>

#include "core/cache.h"
#include "core/element.h"
#include "support/check.h"
#include "support/guard.h"
#include "support/rng.h"
#include "support/stage.h"

static sks_device *device;

static const stage_spec SMALL = {.layers = 2,
                                 .heads = 4,
                                 .kv_heads = 2,
                                 .head_dim = 16,
                                 .rotary_dim = 16,
                                 .sinks = 3,
                                 .window = 12,
                                 .max_rows = 5};

static void grow(stage *s, int64_t tokens, uint64_t seed) {
  while (tokens > 0) {
    int32_t rows = 1 + (int32_t)rng_below(&seed, s->spec.max_rows);
    if (rows > tokens) rows = (int32_t)tokens;
    bool abandon = rng_below(&seed, 6) == 0;
    stage_step(s, (int32_t[STAGE_STREAMS]){rows}, rng_next(&seed), abandon);
    if (!abandon) tokens -= rows;
  }
}

static void test_bytes(void) {
  stage *s = stage_create(device, &SMALL, 1, 1);
  sks_cache_spec spec = {3, 12, 5, SKS_F32};
  int64_t bytes, slots = 32 /* 3 + 12 + 5 in blocks of 16 */, row = 2 * 2 * 16;
  REQUIRE(sks_cache_required_bytes(s->attention, &spec, &bytes) == SKS_OK &&
              bytes == 2 * slots * row * 4,
          "%lld", (long long)bytes);
  REQUIRE(sks_cache_bytes(s->caches[0]) == bytes, "%lld", (long long)sks_cache_bytes(s->caches[0]));
  spec.type = SKS_BF16;
  REQUIRE(sks_cache_required_bytes(s->attention, &spec, &bytes) == SKS_OK &&
              bytes == 2 * slots * row * 2,
          "%lld", (long long)bytes);
  grow(s, 100, 2);
  REQUIRE(sks_cache_bytes(s->caches[0]) == 2 * bytes, "%lld",
          (long long)sks_cache_bytes(s->caches[0]));

  spec.window = INT64_MAX;
  REQUIRE(sks_cache_required_bytes(s->attention, &spec, &bytes) == SKS_OK && bytes == INT64_MAX,
          "%lld", (long long)bytes);
  stage_destroy(s);
}

static void test_refused_specs(void) {
  stage *s = stage_create(device, &SMALL, 1, 1);
  static const struct {
    sks_cache_spec spec;
    int32_t status;
    const char *words;
  } cases[] = {
      {{-1, 10, 1, 0}, SKS_INVALID_ARGUMENT, "cache sinks is -1; expected 0"},
      {{0, 0, 1, 0}, SKS_INVALID_ARGUMENT, "cache window is 0; expected at least 1, or SKS_DENSE"},
      {{0, -2, 1, 0}, SKS_INVALID_ARGUMENT, "cache window is -2; expected at least 1"},
      {{4, SKS_DENSE, 1, 0},
       SKS_INVALID_ARGUMENT,
       "cache sinks is 4; expected 0 for a dense cache"},
      {{4, 10, 0, 0}, SKS_INVALID_ARGUMENT, "cache max_rows is 0; expected 1"},
      {{4, 10, 1, -1}, SKS_INVALID_ARGUMENT, "cache type is -1; expected SKS_F32 (0)"},
      {{4, 10, 1, SKS_KV_TYPES}, SKS_INVALID_ARGUMENT, "cache type is 4; expected SKS_F32 (0)"},
      {{4, INT64_MAX, 1, 0}, SKS_OUT_OF_MEMORY, "takes 9223372036854775807 bytes"},
      {{INT64_MAX, 10, 1, 0}, SKS_OUT_OF_MEMORY, "takes 9223372036854775807 bytes"},
      {{4, INT64_C(1) << 40, 1, 0}, SKS_OUT_OF_MEMORY, "takes 562949953429504 bytes"},
      {{4, INT64_C(1) << 56, 1, 0}, SKS_OUT_OF_MEMORY, "takes 9223372036854775807 bytes"},
  };
  int64_t held = sks_allocated_bytes();
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    sks_cache *cache = NULL;
    CHECK_REFUSED(sks_cache_create(s->attention, &cases[i].spec, &cache), cases[i].status,
                  cases[i].words);
    CHECK(cache == NULL, "case %zu set the cache", i);
  }
  REQUIRE(sks_allocated_bytes() == held, "%lld bytes leaked",
          (long long)(sks_allocated_bytes() - held));
  stage_destroy(s);
}

static void test_dense_growth(void) {
  stage_spec spec = SMALL;
  spec.sinks = 0, spec.window = SKS_DENSE, spec.max_rows = 50;
  stage *s = stage_create(device, &spec, 1, 3);
  int64_t start = sks_cache_bytes(s->caches[0]), count = sks_allocations();
  grow(s, 200, 4);
  REQUIRE(sks_cache_bytes(s->caches[0]) == start && sks_allocations() == count, "grew too soon");
  grow(s, 400, 5);
  REQUIRE(sks_cache_bytes(s->caches[0]) % start == 0 && sks_cache_bytes(s->caches[0]) > start,
          "%lld of %lld", (long long)sks_cache_bytes(s->caches[0]), (long long)start);
  REQUIRE(sks_allocations() <= count + 4, "%lld allocations",
          (long long)(sks_allocations() - count));

  /* No machine has room for this: the stream stays as it was and goes on. */
  int64_t position = sks_cache_position(s->caches[0]);
  s->caches[0]->position = INT64_C(1) << 50;
  CHECK_REFUSED(sks_batch_begin(s->batch, s->caches, (int32_t[]){1}, 1), SKS_OUT_OF_MEMORY,
                "a dense cache of 1125899906842625 tokens takes");
  s->caches[0]->position = position;
  grow(s, 20, 6);
  stage_destroy(s);
}

/* Where it lies may have changed: the step would go to where it was. */
static void test_growth_ends_a_step(void) {
  stage_spec spec = SMALL;
  spec.sinks = 0, spec.window = SKS_DENSE, spec.max_rows = 50;
  stage *s = stage_create(device, &spec, 1, 13);
  const float row[64] = {0};
  int32_t one = 1;
  REQUIRE(sks_batch_begin(s->batch, s->caches, &one, 1) == SKS_OK, "%s", sks_last_error());
  REQUIRE(sks_cache_grow(s->caches[0], 1000, 0) == SKS_OK, "%s", sks_last_error());
  CHECK_REFUSED(sks_append(s->batch, 0, row, row, 0, 0), SKS_IMPOSSIBLE, "was changed since");
  grow(s, 30, 14);
  stage_destroy(s);
}

static void test_room_for_known_tokens(void) {
  stage_spec spec = SMALL;
  spec.sinks = 0, spec.window = SKS_DENSE, spec.max_rows = 50;
  stage *s = stage_create(device, &spec, 1, 8);
  grow(s, 100, 9);
  int64_t start = sks_cache_bytes(s->caches[0]); /* 256 tokens */
  REQUIRE(sks_cache_grow(s->caches[0], 30, 0) == SKS_OK &&
              sks_cache_grow(s->caches[0], 256, 0) == SKS_OK,
          "%s", sks_last_error());
  REQUIRE(sks_cache_bytes(s->caches[0]) == start, "grew without need");
  REQUIRE(sks_cache_room(s->caches[0]) == 256, "%lld", (long long)sks_cache_room(s->caches[0]));
  REQUIRE(sks_cache_grow(s->caches[0], 290, 0) == SKS_OK, "%s", sks_last_error());
  REQUIRE(sks_cache_bytes(s->caches[0]) == start / 256 * 304, "%lld; expected whole blocks of 16",
          (long long)sks_cache_bytes(s->caches[0]));
  grow(s, 190, 10);
  REQUIRE(sks_cache_bytes(s->caches[0]) == start / 256 * 304, "there was room for 290 tokens");
  CHECK_REFUSED(sks_cache_grow(s->caches[0], -1, 0), SKS_INVALID_ARGUMENT,
                "room for -1 tokens; expected 0 or more");
  CHECK_REFUSED(sks_cache_grow(s->caches[0], INT64_MAX, 0), SKS_OUT_OF_MEMORY,
                "a dense cache of 9223372036854775807 tokens takes more than 2^63 bytes");
  CHECK_REFUSED(sks_cache_grow(s->caches[0], INT64_C(1) << 50, 0), SKS_OUT_OF_MEMORY,
                "a dense cache of 1125899906842624 tokens takes 576460752303423488 bytes");
  REQUIRE(sks_cache_grow(s->caches[0], 305, 500) == SKS_OK && sks_cache_room(s->caches[0]) == 512,
          "%lld; expected the most it may take", (long long)sks_cache_room(s->caches[0]));
  grow(s, 30, 11);
  stage_destroy(s);

  stage *ring = stage_create(device, &SMALL, 1, 12);
  int64_t bytes = sks_cache_bytes(ring->caches[0]);
  REQUIRE(sks_cache_room(ring->caches[0]) == INT64_MAX, "a ring has room for ever");
  REQUIRE(sks_cache_grow(ring->caches[0], INT64_MAX, 0) == SKS_OK &&
              sks_cache_bytes(ring->caches[0]) == bytes,
          "a ring has all its room");
  stage_destroy(ring);
}

static void test_clear(void) {
  stage *s = stage_create(device, &SMALL, 1, 7);
  grow(s, 40, 8);
  sks_cache_clear(s->caches[0]);
  oracle_drop_last(s->oracles[0], s->oracles[0]->tokens);
  REQUIRE(sks_cache_position(s->caches[0]) == 0 && sks_cache_tokens(s->caches[0]) == 0,
          "not empty");
  grow(s, 40, 9);
  stage_destroy(s);
}

static void drop(stage *s, int64_t count) {
  REQUIRE(sks_cache_drop_last(s->caches[0], count) == SKS_OK, "%s", sks_last_error());
  oracle_drop_last(s->oracles[0], count);
  REQUIRE(sks_cache_position(s->caches[0]) == s->oracles[0]->tokens, "%lld",
          (long long)sks_cache_position(s->caches[0]));
}

static void test_drop_last(void) {
  stage *s = stage_create(device, &SMALL, 1, 10);
  uint64_t seed = 11;
  /* While nothing is evicted any count goes; here S + R = 15. */
  for (int round = 0; round < 50; round++) {
    int64_t position = sks_cache_position(s->caches[0]);
    grow(s, 15 - position, rng_next(&seed));
    drop(s, rng_below(&seed, 16));
  }
  for (int round = 0; round < 100; round++) {
    grow(s, 20 + rng_below(&seed, 20), rng_next(&seed));
    drop(s, rng_below(&seed, SMALL.max_rows)); /* the newest max_rows - 1 always go */
    grow(s, rng_below(&seed, 4), rng_next(&seed));
  }
  int64_t position = sks_cache_position(s->caches[0]);
  CHECK_REFUSED(sks_cache_drop_last(s->caches[0], -1), SKS_INVALID_ARGUMENT,
                "cannot drop -1 tokens; expected 0 to");
  CHECK_REFUSED(sks_cache_drop_last(s->caches[0], position + 1), SKS_INVALID_ARGUMENT,
                "tokens; expected 0 to");
  CHECK_REFUSED(sks_cache_drop_last(s->caches[0], SMALL.max_rows + 1), SKS_IMPOSSIBLE,
                "cannot drop 6 tokens: token");
  CHECK_REFUSED(sks_cache_drop_last(s->caches[0], position - 5), SKS_IMPOSSIBLE,
                "tokens: token 5 would see token 3, which is evicted");
  REQUIRE(sks_cache_position(s->caches[0]) == position, "a refused drop changed the position");
  grow(s, 5, rng_next(&seed));
  drop(s, s->oracles[0]->tokens - 2); /* down to sink tokens, which are always there */
  grow(s, 40, rng_next(&seed));
  stage_destroy(s);
}

/* A step that was given up has stored over the ring's oldest rows: dropping must know. */
static void test_drop_after_abandoned_step(void) {
  stage *s = stage_create(device, &SMALL, 1, 12);
  for (uint64_t t = 0; t < 30; t++) stage_step(s, (int32_t[STAGE_STREAMS]){1}, 13 + t, false);
  stage_step(s, (int32_t[STAGE_STREAMS]){5}, 50, true);
  /* Whose row holds a given-up one. */
  CHECK_REFUSED(sks_cache_drop_last(s->caches[0], 1), SKS_IMPOSSIBLE,
                "token 29 would see token 17, which is evicted");
  stage_step(s, (int32_t[STAGE_STREAMS]){5}, 51, false);
  drop(s, 4);
  grow(s, 30, 52);
  stage_destroy(s);
}

static void evict(stage *s, int64_t begin, int64_t end) {
  REQUIRE(sks_cache_evict(s->caches[0], begin, end) == SKS_OK, "[%lld, %lld): %s", (long long)begin,
          (long long)end, sks_last_error());
  oracle_evict(s->oracles[0], begin, end);
  REQUIRE(sks_cache_position(s->caches[0]) == s->oracles[0]->tokens, "%lld",
          (long long)sks_cache_position(s->caches[0]));
  REQUIRE(sks_cache_tokens(s->caches[0]) == oracle_seen(s->oracles[0], s->oracles[0]->tokens),
          "%lld", (long long)sks_cache_tokens(s->caches[0]));
}

static void random_evictions(const stage_spec *spec, int rounds, uint64_t seed) {
  stage *s = stage_create(device, spec, 1, seed);
  for (int round = 0; round < rounds; round++) {
    grow(s, rng_below(&seed, 30), rng_next(&seed));
    int64_t position = sks_cache_position(s->caches[0]);
    int64_t window = sks_cache_tokens(s->caches[0]) - spec->sinks;
    if (position < spec->sinks || window < 1) continue;
    int64_t begin = position - 1 - rng_below(&seed, window),
            end = begin + rng_below(&seed, position - begin + 1);
    evict(s, begin, end);
    if (round % 3 == 0)
      drop(s, rng_below(&seed, 2) * (sks_cache_tokens(s->caches[0]) > spec->sinks));
  }
  stage_destroy(s);
}

static void test_evict(void) {
  stage_spec spec = SMALL;
  random_evictions(&spec, 100, 20);
  spec.type = SKS_F16;
  random_evictions(&spec, 40, 21);
  spec.type = SKS_BF16;
  spec.rotary_dim = 8;
  random_evictions(&spec, 40, 22);
  spec.rotary_layout = SKS_ROTARY_INTERLEAVED;
  random_evictions(&spec, 40, 22);
  spec.type = SKS_F32;
  spec.rotary_dim = 0, spec.alibi = true;
  random_evictions(&spec, 40, 23);
  spec.sinks = 0, spec.window = SKS_DENSE;
  random_evictions(&spec, 40, 24);

  stage *s = stage_create(device, &SMALL, 1, 25);
  grow(s, 40, 26);
  int64_t position = sks_cache_position(s->caches[0]);
  CHECK_REFUSED(sks_cache_evict(s->caches[0], position - 2, position + 1), SKS_INVALID_ARGUMENT,
                "cannot evict [38, 41); expected a range within 0 to 40");
  CHECK_REFUSED(sks_cache_evict(s->caches[0], position - 2, position - 3), SKS_INVALID_ARGUMENT,
                "cannot evict [38, 37); expected a range within 0 to 40");
  CHECK_REFUSED(sks_cache_evict(s->caches[0], -1, 2), SKS_INVALID_ARGUMENT,
                "cannot evict [-1, 2); expected a range within 0 to 40");
  CHECK_REFUSED(sks_cache_evict(s->caches[0], 2, position), SKS_INVALID_ARGUMENT,
                "cannot evict from 2: the first 3 tokens are sink tokens");
  CHECK_REFUSED(sks_cache_evict(s->caches[0], position - 13, position), SKS_IMPOSSIBLE,
                "cannot evict from 27: the window starts at 28");
  REQUIRE(sks_cache_position(s->caches[0]) == position, "a refused eviction changed the position");
  evict(s, position - 12, position);
  CHECK_REFUSED(sks_cache_drop_last(s->caches[0], 1), SKS_IMPOSSIBLE,
                "token 27 would see token 26, which is evicted");
  grow(s, 30, 27);
  stage_destroy(s);
}

static char *exported(const sks_cache *cache, int64_t *bytes) {
  *bytes = sks_cache_state_bytes(cache);
  char *state = guard_end((size_t)*bytes).data; /* stays until the test ends */
  REQUIRE(sks_cache_export(cache, state, *bytes) == SKS_OK, "%s", sks_last_error());
  return state;
}

/* A stream goes on in another cache, where rings are turned otherwise, as if nothing had happened.
 */
static void test_state_goes_on(void) {
  static const int64_t windows[] = {12, SKS_DENSE};
  for (int w = 0; w < 2; w++) {
    for (int64_t tokens = 0; tokens <= 60; tokens += 6) {
      stage_spec spec = SMALL;
      spec.window = windows[w];
      if (w == 1) spec.sinks = 0, spec.max_rows = 50;
      stage *from = stage_create(device, &spec, 1, 30), *to = stage_create(device, &spec, 1, 30);
      grow(from, tokens, 31);
      if (tokens > 20) evict(from, from->oracles[0]->tokens - 3, from->oracles[0]->tokens - 1);
      grow(to, 33, 32);
      int64_t bytes;
      char *state = exported(from->caches[0], &bytes);
      sks_cache *target;
      sks_cache_spec cache = {spec.sinks, spec.window, spec.max_rows, spec.type};
      REQUIRE(sks_cache_create(from->attention, &cache, &target) == SKS_OK, "%s", sks_last_error());
      REQUIRE(sks_cache_import(target, state, bytes) == SKS_OK, "%s", sks_last_error());
      REQUIRE(sks_cache_position(target) == sks_cache_position(from->caches[0]), "position");
      REQUIRE(sks_cache_tokens(target) == sks_cache_tokens(from->caches[0]), "tokens");
      /* Also into one that held another stream. */
      REQUIRE(sks_cache_import(to->caches[0], state, bytes) == SKS_OK, "%s", sks_last_error());
      int64_t again;
      char *second = exported(to->caches[0], &again);
      REQUIRE(again == bytes && memcmp(state, second, (size_t)bytes) == 0,
              "the state changed on its way");
      sks_cache_destroy(from->caches[0]);
      from->caches[0] = target;
      if (from->oracles[0]->tokens > 20) drop(from, 1);
      grow(from, 40, 33);
      stage_destroy(from);
      stage_destroy(to);
    }
  }
}

static void refuse(stage *s, const char *state, int64_t bytes, const char *words) {
  sks_cache *cache = s->caches[0];
  int64_t before, after;
  char *old = exported(cache, &before);
  CHECK_REFUSED(sks_cache_import(cache, state, bytes), SKS_INVALID_ARGUMENT, words);
  char *new = exported(cache, &after);
  REQUIRE(before == after && memcmp(old, new, (size_t)before) == 0, "%s: the cache changed", words);
}

static void test_refused_states(void) {
  enum { HEADER_BYTES = 80 };
  stage *s = stage_create(device, &SMALL, 1, 40);
  grow(s, 50, 41);
  int64_t bytes;
  char *state = exported(s->caches[0], &bytes);
  CHECK_REFUSED(sks_cache_export(s->caches[0], state, bytes - 1), SKS_INVALID_ARGUMENT,
                "room for a cache state is");

  const char *another_model = "cache state: it is of another model";
  struct {
    stage_spec spec;
    const char *words;
  } others[9];
  for (int i = 0; i < 9; i++) others[i].spec = SMALL, others[i].words = another_model;
  others[0].spec.sinks = 4, others[0].words = "cache state: sinks is 3; expected 4";
  others[1].spec.window = 13, others[1].words = "cache state: window is 12; expected 13";
  others[2].spec.max_rows = 6, others[2].words = "cache state: max_rows is 5; expected 6";
  others[3].spec.type = SKS_F16, others[3].words = "cache state: type is f32; expected f16";
  others[4].spec.rotary_dim = 8;
  others[5].spec.layers = 1;
  others[6].spec.kv_heads = 4;
  others[7].spec.rotary_dim = 0, others[7].spec.alibi = true;
  others[8].spec.rotary_layout = SKS_ROTARY_INTERLEAVED;
  for (int i = 0; i < 9; i++) {
    stage *other = stage_create(device, &others[i].spec, 1, 40);
    refuse(other, state, bytes, others[i].words);
    stage_destroy(other);
  }
  /* Every byte counts: cut anywhere, or any byte changed, it is refused. */
  for (int64_t length = 0; length < bytes; length += length < 200 ? 1 : 97)
    refuse(s, state, length, length < HEADER_BYTES ? "bytes are too few" : "bytes of rows is");
  for (int64_t i = 0; i < bytes; i += i < 120 ? 1 : 61) {
    for (int bit = 0; bit < 8; bit += 7) {
      state[i] ^= (char)(1 << bit);
      int32_t status = sks_cache_import(s->caches[0], state, bytes);
      state[i] ^= (char)(1 << bit);
      REQUIRE(status == SKS_INVALID_ARGUMENT, "byte %lld changed, and taken", (long long)i);
    }
  }
  REQUIRE(sks_cache_import(s->caches[0], state, bytes) == SKS_OK, "%s", sks_last_error());
  grow(s, 20, 42);
  stage_destroy(s);
}

int main(void) {
  int64_t held = sks_allocated_bytes();
  REQUIRE(sks_device_open_cpu(2, NULL, &device) == SKS_OK, "%s", sks_last_error());
  test_bytes();
  test_refused_specs();
  test_dense_growth();
  test_growth_ends_a_step();
  test_room_for_known_tokens();
  test_clear();
  test_drop_last();
  test_drop_after_abandoned_step();
  test_evict();
  test_state_goes_on();
  test_refused_states();
  sks_device_close(device);
  REQUIRE(sks_allocated_bytes() == held, "%lld bytes leaked",
          (long long)(sks_allocated_bytes() - held));
  return check_report();
}
