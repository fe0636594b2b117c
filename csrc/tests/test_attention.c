/* append and attend of every instruction set against the oracle. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/check.h"
#include "support/jump.h"
#include "support/rng.h"
#include "support/stage.h"

static sks_device *device;

/* Random steps of random streams, some given up. */
static void random_steps(const stage_spec *spec, int streams, int steps, uint64_t seed) {
  stage *s = stage_create(device, spec, streams, seed);
  for (int64_t step = 0; step < check_effort(steps) + 3; step++) {
    int32_t rows[STAGE_STREAMS] = {0};
    for (int i = 0; i < streams; i++) {
      bool many = rng_below(&seed, 3) == 0;
      rows[i] = (int32_t)(many ? rng_below(&seed, spec->max_rows + 1) : rng_below(&seed, 2));
    }
    stage_step(s, rows, rng_next(&seed), rng_below(&seed, 8) == 0);
  }
  stage_destroy(s);
}

/* One token at a time, from the first to the `tokens`-th. */
static void single_steps(stage *s, int64_t tokens, uint64_t seed) {
  for (int64_t t = 0; t < tokens; t++)
    stage_step(s, (int32_t[STAGE_STREAMS]){1}, rng_next(&seed), false);
}

static void test_every_head_dim(void) {
  for (int32_t dim = 8; dim <= 256; dim += 8) {
    for (int32_t type = 0; type < SKS_KV_TYPES; type++) {
      stage_spec spec = {.layers = 1,
                         .heads = 3,
                         .kv_heads = 3,
                         .head_dim = dim,
                         .rotary_dim = dim,
                         .sinks = 4,
                         .window = 75,
                         .max_rows = 40,
                         .type = type};
      if (dim % 3 == 0) spec.rotary_dim = dim / 4 * 2; /* partial */
      if (dim % 5 == 0) spec.layout = GROUPED;
      if ((dim / 8 + type) % 2) spec.rotary_layout = SKS_ROTARY_INTERLEAVED;
      random_steps(&spec, 2, 12, (uint64_t)dim * 8 + (uint64_t)type);
    }
  }
}

static void test_every_group(void) {
  static const int32_t groups[] = {1, 2, 3, 4, 5, 8, 71};
  for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
    for (int32_t type = 0; type < SKS_KV_TYPES; type++) {
      int32_t kv_heads = groups[i] == 71 ? 1 : 2;
      stage_spec spec = {.layers = 2,
                         .heads = groups[i] * kv_heads,
                         .kv_heads = kv_heads,
                         .head_dim = 64,
                         .rotary_dim = 64,
                         .sinks = 4,
                         .window = 100,
                         .max_rows = 37,
                         .type = type,
                         .layout = i % 2 ? GROUPED : STACKED,
                         .sink_logits = i % 3 == 1};
      random_steps(&spec, 3, groups[i] == 71 ? 5 : 10, 1000 + i * 4 + (uint64_t)type);
    }
  }
}

static void test_alibi(void) {
  for (int32_t type = 0; type < SKS_KV_TYPES; type++) {
    for (int32_t heads = 1; heads <= 6; heads++) {
      stage_spec spec = {.layers = 1,
                         .heads = heads,
                         .kv_heads = heads % 2 ? heads : heads / 2,
                         .head_dim = 80,
                         .sinks = 4,
                         .window = 60,
                         .max_rows = 33,
                         .type = type,
                         .alibi = true,
                         .sink_logits = heads == 2};
      random_steps(&spec, 2, 20, 2000 + (uint64_t)heads);
    }
  }
}

/* Every size of a small ring, so that its end falls everywhere in a window, and every kind of step
 * over it. */
static void test_ring_wrap(void) {
  for (int64_t sinks = 0; sinks <= 4; sinks += sinks == 1 ? 3 : 1) {
    for (int64_t window = 1; window <= 6; window++) {
      for (int32_t max_rows = 1; max_rows <= 8; max_rows += max_rows < 3 ? 1 : 5) {
        stage_spec spec = {.layers = 1,
                           .heads = 2,
                           .kv_heads = 1,
                           .head_dim = 8,
                           .rotary_dim = 8,
                           .sinks = sinks,
                           .window = window,
                           .max_rows = max_rows};
        stage *s = stage_create(device, &spec, 1, 3000);
        single_steps(s, 10 * (sinks + window) + 2, 3001);
        stage_destroy(s);
        random_steps(&spec, 4, 40, 3002 + (uint64_t)max_rows);
      }
    }
  }
}

/* Keys enough for several chunks, in one row and in many, and with 64 sink tokens. */
static void test_many_keys(void) {
  for (int32_t type = 0; type < SKS_KV_TYPES; type++) {
    stage_spec spec = {.layers = 1,
                       .heads = 2,
                       .kv_heads = 1,
                       .head_dim = 64,
                       .rotary_dim = 32,
                       .sinks = 64,
                       .window = 700,
                       .max_rows = 250,
                       .type = type};
    stage *s = stage_create(device, &spec, 2, 4000);
    for (int i = 0; i < 5; i++)
      stage_step(s, (int32_t[STAGE_STREAMS]){250, i == 0}, 4001 + (uint64_t)i, i == 2);
    single_steps(s, 5, 4100);
    stage_step(s, (int32_t[STAGE_STREAMS]){3, 1}, 4200, false);
    stage_destroy(s);
  }
}

static void test_far_positions(void) {
  static const int64_t positions[] = {1 << 24, INT64_C(1) << 31, INT64_C(1) << 40,
                                      (INT64_C(1) << 62) - 400};
  for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
    for (int alibi = 0; alibi <= 1; alibi++) {
      stage_spec spec = {.layers = 1,
                         .heads = 2,
                         .kv_heads = 1,
                         .head_dim = 64,
                         .rotary_dim = alibi ? 0 : 64,
                         .alibi = alibi,
                         .sinks = 4,
                         .window = 28,
                         .max_rows = 7};
      stage *s = stage_create(device, &spec, 1, 5000);
      single_steps(s, 20, 5001);
      stage_jump(s, 0, positions[i] - 16);
      single_steps(s, 50, 5002);
      for (uint64_t step = 0; step < 30; step++)
        stage_step(s, (int32_t[STAGE_STREAMS]){7}, 5003 + step, false);
      stage_destroy(s);
    }
  }
}

static void test_dense(void) {
  stage_spec spec = {.layers = 2,
                     .heads = 2,
                     .kv_heads = 2,
                     .head_dim = 16,
                     .rotary_dim = 16,
                     .window = SKS_DENSE,
                     .max_rows = 100};
  stage *s = stage_create(device, &spec, 2, 6000);
  int64_t start = sks_cache_bytes(s->caches[0]);
  for (uint64_t step = 0; step < 8; step++)
    stage_step(s, (int32_t[STAGE_STREAMS]){100, step % 2 ? 1 : 17}, 6001 + step, step == 3);
  single_steps(s, 10, 6100);
  REQUIRE(sks_cache_bytes(s->caches[0]) == 4 * start, "%lld",
          (long long)sks_cache_bytes(s->caches[0]));
  stage_destroy(s);
}

/* The outputs of `tokens` tokens, cut into steps of at most `chunk`; out [tokens, heads, head_dim].
 */
static void outputs(const stage_spec *spec, int64_t tokens, int64_t chunk, float *out) {
  stage *s = stage_create(device, spec, 1, 7000);
  int64_t row = (int64_t)(spec->heads + 2 * spec->kv_heads) * spec->head_dim, dim = spec->head_dim;
  float *x = malloc((size_t)(tokens * row) * sizeof(float));
  uint64_t seed = 7001;
  for (int64_t i = 0; i < tokens * row; i++) x[i] = 2 * rng_float(&seed);
  for (int64_t t = 0; t < tokens; t += chunk) {
    int32_t rows = (int32_t)(tokens - t < chunk ? tokens - t : chunk);
    const float *at = x + t * row, *keys = at + spec->heads * dim,
                *values = keys + spec->kv_heads * dim;
    sks_batch_begin(s->batch, s->caches, &rows, 1);
    sks_append(s->batch, 0, keys, values, row, dim);
    sks_attend(s->batch, 0, at, row, spec->heads / spec->kv_heads * dim, NULL,
               out + t * spec->heads * dim);
    REQUIRE(sks_batch_commit(s->batch) == SKS_OK, "%s", sks_last_error());
  }
  free(x);
  stage_destroy(s);
}

static void test_chunks_agree(void) {
  stage_spec spec = {.layers = 1,
                     .heads = 4,
                     .kv_heads = 2,
                     .head_dim = 64,
                     .rotary_dim = 64,
                     .sinks = 4,
                     .window = 60,
                     .max_rows = 300,
                     .type = SKS_F16};
  enum { TOKENS = 300, COUNT = TOKENS * 4 * 64 };
  static float whole[COUNT], single[COUNT], sevens[COUNT];
  outputs(&spec, TOKENS, TOKENS, whole);
  outputs(&spec, TOKENS, 1, single);
  outputs(&spec, TOKENS, 7, sevens);
  for (int i = 0; i < COUNT; i++) {
    REQUIRE(fabsf(whole[i] - single[i]) <= 4e-6f, "%d: %g, %g", i, (double)whole[i],
            (double)single[i]);
    REQUIRE(fabsf(whole[i] - sevens[i]) <= 4e-6f, "%d: %g, %g", i, (double)whole[i],
            (double)sevens[i]);
  }
}

/* Bit for bit, whether tasks are rows or chunks of one row. */
static void test_threads_agree(const char *isa) {
  static const int32_t kv_heads[] = {1, 2, 4};
  static const int32_t threads[] = {1, 2, 3, 8};
  for (size_t i = 0; i < 3; i++) {
    uint64_t expected = 0;
    for (size_t n = 0; n < 4; n++) {
      sks_device *other;
      REQUIRE(sks_device_open_cpu(threads[n], isa, &other) == SKS_OK, "%s", sks_last_error());
      stage_spec spec = {.layers = 1,
                         .heads = 4,
                         .kv_heads = kv_heads[i],
                         .head_dim = 16,
                         .rotary_dim = 16,
                         .sinks = 4,
                         .window = 600,
                         .max_rows = 200,
                         .unchecked = n > 0 || i > 0};
      stage *s = stage_create(other, &spec, 2, 8000);
      for (uint64_t step = 0; step < 3; step++)
        stage_step(s, (int32_t[STAGE_STREAMS]){200, 3}, 8001 + step, false);
      for (uint64_t step = 0; step < 3; step++)
        stage_step(s, (int32_t[STAGE_STREAMS]){1, 0}, 8010 + step, false);
      stage_step(s, (int32_t[STAGE_STREAMS]){9, 1}, 8020, false);
      if (n == 0) expected = s->output_hash;
      REQUIRE(s->output_hash == expected, "%d threads, %d KV heads: outputs differ", threads[n],
              kv_heads[i]);
      stage_destroy(s);
      sks_device_close(other);
    }
  }
}

/* A row that a query does not see must not reach it, even where it holds NaN: later tokens,
 * given-up ones, evicted ones. */
static void test_unseen_rows_are_not_touched(void) {
  stage_spec spec = {.layers = 1,
                     .heads = 2,
                     .kv_heads = 1,
                     .head_dim = 16,
                     .rotary_dim = 16,
                     .sinks = 2,
                     .window = 5,
                     .max_rows = 12};
  stage *s = stage_create(device, &spec, 1, 9000);
  enum { ROWS = 12 };
  static float keys[ROWS * 16], values[ROWS * 16], queries[ROWS * 32], out[ROWS * 32];
  uint64_t seed = 9001;
  for (int i = 0; i < ROWS * 16; i++) {
    keys[i] = rng_float(&seed);
    values[i] = i / 16 == 6 ? NAN : rng_float(&seed); /* token 6, seen by 6 to 11 */
  }
  for (int i = 0; i < ROWS * 32; i++) queries[i] = rng_float(&seed);
  static const int32_t steps[] = {ROWS, ROWS, 3};
  for (int step = 0; step < 3; step++) {
    sks_batch_begin(s->batch, s->caches, &steps[step], 1);
    sks_append(s->batch, 0, keys, values, 16, 16);
    sks_attend(s->batch, 0, queries, 32, 32, NULL, out);
    for (int i = 0; step < 2 && i < ROWS * 32; i++) {
      int token = i / 32;
      REQUIRE(isnan(out[i]) == (token >= 6 && token <= 11), "step %d token %d: %g", step, token,
              (double)out[i]);
    }
    if (step > 0)
      REQUIRE(sks_batch_commit(s->batch) == SKS_OK, "%s",
              sks_last_error()); /* the first is given up */
    if (step == 1) memset(values, 0, sizeof(values));
  }
  /* Positions 12 to 14 saw token 6 until 11 only. */
  for (int i = 0; i < 3 * 32; i++) REQUIRE(!isnan(out[i]), "%d", i);
  stage_destroy(s);
}

static void test_steady_state_allocates_nothing(void) {
  stage_spec spec = {.layers = 2,
                     .heads = 4,
                     .kv_heads = 1,
                     .head_dim = 64,
                     .rotary_dim = 64,
                     .sinks = 4,
                     .window = 508,
                     .max_rows = 64,
                     .type = SKS_F16,
                     .unchecked = true};
  stage *s = stage_create(device, &spec, 2, 10000);
  int64_t bytes = sks_allocated_bytes(), count = sks_allocations();
  for (uint64_t step = 0; step < 12; step++)
    stage_step(s, (int32_t[STAGE_STREAMS]){64, 1}, 10001 + step, false);
  REQUIRE(sks_allocated_bytes() == bytes && sks_allocations() == count, "%lld bytes, %lld times",
          (long long)(sks_allocated_bytes() - bytes), (long long)(sks_allocations() - count));
  stage_destroy(s);
}

/* 100,000 tokens, a few under a sanitizer: the error of the last is that of the first. */
static void test_endurance(void) {
  stage_spec spec = {.layers = 1,
                     .heads = 1,
                     .kv_heads = 1,
                     .head_dim = 8,
                     .rotary_dim = 8,
                     .sinks = 2,
                     .window = 6,
                     .max_rows = 1};
  stage *s = stage_create(device, &spec, 1, 11000);
  single_steps(s, check_effort(100000), 11001);
  stage_destroy(s);
}

static void test_misuse(void) {
  stage_spec spec = {.layers = 2,
                     .heads = 2,
                     .kv_heads = 1,
                     .head_dim = 8,
                     .rotary_dim = 8,
                     .sinks = 2,
                     .window = 6,
                     .max_rows = 4};
  stage *s = stage_create(device, &spec, 2, 12000), *other = stage_create(device, &spec, 1, 12000);
  float x[64] = {0};
  sks_cache *twice[] = {s->caches[0], s->caches[0]}, *foreign[] = {s->caches[0], other->caches[0]};
  int32_t one[] = {1, 1}, none[] = {1, 0}, many[] = {1, 5};
  CHECK_REFUSED(sks_append(s->batch, 0, x, x, 8, 8), SKS_IMPOSSIBLE, "the batch has no step");
  CHECK_REFUSED(sks_batch_commit(s->batch), SKS_IMPOSSIBLE, "the batch has no step");
  CHECK_REFUSED(sks_batch_begin(s->batch, twice, one, 2), SKS_INVALID_ARGUMENT,
                "caches[1] is in the batch twice");
  CHECK_REFUSED(sks_batch_begin(s->batch, foreign, one, 2), SKS_INVALID_ARGUMENT,
                "caches[1] was made for another attention");
  CHECK_REFUSED(sks_batch_begin(s->batch, s->caches, none, 2), SKS_INVALID_ARGUMENT,
                "rows[1] is 0; expected 1 to 4");
  CHECK_REFUSED(sks_batch_begin(s->batch, s->caches, many, 2), SKS_INVALID_ARGUMENT,
                "rows[1] is 5; expected 1 to 4");
  CHECK_REFUSED(sks_batch_begin(s->batch, s->caches, one, 0), SKS_INVALID_ARGUMENT,
                "streams is 0; expected 1 to 8");
  CHECK_REFUSED(sks_batch_begin(s->batch, s->caches, one, 9), SKS_INVALID_ARGUMENT,
                "streams is 9; expected 1 to 8");
  CHECK_REFUSED(sks_batch_begin_padded(s->batch, s->caches, one, 2, -1), SKS_INVALID_ARGUMENT,
                "padded_rows is -1; expected 0 to 8");
  CHECK_REFUSED(sks_batch_begin_padded(s->batch, s->caches, one, 2, 9), SKS_INVALID_ARGUMENT,
                "padded_rows is 9; expected 0 to 8");

  sks_batch *batch;
  CHECK_REFUSED(sks_batch_create(s->attention, 0, &batch), SKS_INVALID_ARGUMENT,
                "batch max_rows is 0; expected 1");
  REQUIRE(sks_batch_create(s->attention, 3, &batch) == SKS_OK, "%s", sks_last_error());
  CHECK_REFUSED(sks_batch_begin(batch, s->caches, (int32_t[]){2, 2}, 2), SKS_INVALID_ARGUMENT,
                "the step has 4 rows; expected at most 3");
  sks_batch_destroy(batch);

  int64_t keys;
  REQUIRE(sks_batch_begin(s->batch, s->caches, one, 2) == SKS_OK, "%s", sks_last_error());
  CHECK_REFUSED(sks_attend(s->batch, 0, x, 16, 16, NULL, x), SKS_IMPOSSIBLE,
                "layer 0 attends before its keys");
  CHECK_REFUSED(sks_attention_weights(s->batch, 0, x, 16, 16, NULL, 0, x, 64, &keys),
                SKS_IMPOSSIBLE, "layer 0 attends before its keys");
  CHECK_REFUSED(sks_append(s->batch, -1, x, x, 8, 8), SKS_INVALID_ARGUMENT,
                "layer is -1; expected 0 to 1");
  CHECK_REFUSED(sks_append(s->batch, 2, x, x, 8, 8), SKS_INVALID_ARGUMENT,
                "layer is 2; expected 0 to 1");
  REQUIRE(sks_append(s->batch, 0, x, x, 8, 8) == SKS_OK, "%s", sks_last_error());
  for (int32_t row = -1; row <= 2; row += 3)
    CHECK_REFUSED(sks_attention_weights(s->batch, 0, x, 16, 16, NULL, row, x, 64, &keys),
                  SKS_INVALID_ARGUMENT, row < 0 ? "row is -1; expected 0 to 1" : "row is 2");
  CHECK_REFUSED(sks_batch_commit(s->batch), SKS_IMPOSSIBLE, "layer 1 was not appended");
  sks_cache_clear(s->caches[1]);
  CHECK_REFUSED(sks_append(s->batch, 1, x, x, 8, 8), SKS_IMPOSSIBLE,
                "caches[1] was changed since the step began");

  cache_jump(s->caches[0], (INT64_C(1) << 62) - 2);
  CHECK_REFUSED(sks_batch_begin(s->batch, s->caches, (int32_t[]){3}, 1), SKS_IMPOSSIBLE,
                "caches[0] is at position 4611686018427387902, which is too near 2^62");
  REQUIRE(sks_batch_begin(s->batch, s->caches, (int32_t[]){2}, 1) == SKS_OK, "%s",
          sks_last_error());
  stage_destroy(s);
  stage_destroy(other);
}

static void test_refused_specs(void) {
  static const double finite[] = {1, 1, 1, 1}, infinite[] = {1, INFINITY};
  static const float slopes[] = {1, NAN};
  static const struct {
    sks_attention_spec spec;
    const char *words;
  } bad[] = {
      {{0, 2, 1, 8, 2, 0, 0.5f, finite, NULL}, "layers is 0; expected 1"},
      {{1, 2, 0, 8, 2, 0, 0.5f, finite, NULL}, "kv_heads is 0; expected 1"},
      {{1, 0, 1, 8, 2, 0, 0.5f, finite, NULL}, "heads is 0; expected a multiple of kv_heads, 1"},
      {{1, 3, 2, 8, 2, 0, 0.5f, finite, NULL}, "heads is 3; expected a multiple of kv_heads, 2"},
      {{1, 2, 1, 0, 0, 0, 0.5f, NULL, NULL}, "head_dim is 0; expected a multiple of 8"},
      {{1, 2, 1, 12, 2, 0, 0.5f, finite, NULL}, "head_dim is 12; expected a multiple of 8"},
      {{1, 2, 1, 264, 2, 0, 0.5f, finite, NULL}, "head_dim is 264; expected a multiple of 8"},
      {{1, 2, 1, 8, -2, 0, 0.5f, finite, NULL}, "rotary_dim is -2; expected an even number"},
      {{1, 2, 1, 8, 3, 0, 0.5f, finite, NULL}, "rotary_dim is 3; expected an even number"},
      {{1, 2, 1, 8, 10, 0, 0.5f, finite, NULL}, "rotary_dim is 10; expected an even number"},
      {{1, 2, 1, 8, 2, -1, 0.5f, finite, NULL}, "rotary_layout is -1; expected"},
      {{1, 2, 1, 8, 2, SKS_ROTARY_LAYOUTS, 0.5f, finite, NULL}, "rotary_layout is 2; expected"},
      {{1, 2, 1, 8, 2, 0, NAN, finite, NULL}, "scale is nan; expected a finite number"},
      {{1, 2, 1, 8, 2, 0, INFINITY, finite, NULL}, "scale is inf; expected a finite number"},
      {{1, 2, 1, 8, 4, 0, 0.5f, NULL, NULL}, "inverse_frequencies is NULL; expected 2 numbers"},
      {{1, 2, 1, 8, 4, 0, 0.5f, infinite, NULL},
       "inverse_frequencies[1] is inf; expected a finite"},
      {{1, 2, 1, 8, 2, 0, 0.5f, finite, slopes}, "alibi_slopes[1] is nan; expected a finite"},
  };
  sks_attention *attention;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    CHECK_REFUSED(sks_attention_create(device, &bad[i].spec, &attention), SKS_INVALID_ARGUMENT,
                  bad[i].words);
  /* Frequencies past those that are rotated are not looked at. */
  sks_attention_spec good = {1, 2, 1, 8, 2, 0, 0.5f, infinite, NULL};
  REQUIRE(sks_attention_create(device, &good, &attention) == SKS_OK, "%s", sks_last_error());
  sks_attention_destroy(attention);
}

static void all_tests(const char *isa) {
  test_refused_specs();
  test_misuse();
  test_every_head_dim();
  test_every_group();
  test_alibi();
  test_ring_wrap();
  test_many_keys();
  test_far_positions();
  test_dense();
  test_chunks_agree();
  test_threads_agree(isa);
  test_unseen_rows_are_not_touched();
  test_steady_state_allocates_nothing();
  test_endurance();
}

int main(void) {
  static const char *const isas[] = {"reference", "avx2", "avx512"};
  for (size_t i = 0; i < sizeof(isas) / sizeof(isas[0]); i++) {
    int32_t status = sks_device_open_cpu(2, isas[i], &device);
    if (status == SKS_UNSUPPORTED) {
      printf("skipped: %s\n", sks_last_error());
      continue;
    }
    REQUIRE(status == SKS_OK, "%s", sks_last_error());
    printf("%s\n", sks_device_isa(device));
    all_tests(isas[i]);
    sks_device_close(device);
  }
  return check_report();
}
