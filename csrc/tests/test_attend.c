/* The attend and quantize_kv kernels of every instruction set against the reference, on the same
 * stored rows. */
#include <math.h>
#include <string.h>

#include "core/kv_row.h"
#include "core/round_up.h"
#include "support/check.h"
#include "support/error.h"
#include "support/guard.h"
#include "support/isa.h"
#include "support/rng.h"

enum { MOST_QUERIES = 40, MOST_KEYS = 350, MOST_STRIDE = SKS_MAX_HEAD_DIM };

/* A kernel's arguments, in memory of their own. */
typedef struct call {
  sks_attend_args args;
  float queries[MOST_QUERIES * MOST_STRIDE] __attribute__((aligned(64)));
  float acc[MOST_QUERIES * MOST_STRIDE] __attribute__((aligned(64)));
  float scores[MOST_QUERIES * SKS_ATTEND_SLOTS] __attribute__((aligned(64)));
  float max[MOST_QUERIES], sum[MOST_QUERIES], slopes[MOST_QUERIES], distances[MOST_QUERIES];
} call;

/* Random queries, and a softmax that has met other keys before in half the cases. */
static void fill_call(call *c, int64_t queries, int64_t head_dim, int64_t keys, uint64_t *seed) {
  memset(c, 0, sizeof *c);
  int64_t stride = sks_round_up(head_dim, 16);
  bool met = rng_below(seed, 2), alibi = rng_below(seed, 3) == 0;
  for (int64_t q = 0; q < queries; q++) {
    rng_fill(seed, c->queries + q * stride, head_dim, 2 / sqrtf((float)head_dim));
    if (met) rng_fill(seed, c->acc + q * stride, head_dim, 3);
    c->max[q] = met ? rng_float(seed) : -INFINITY;
    c->sum[q] = met ? 2 + rng_float(seed) : 0;
    c->slopes[q] = 0.1f + 0.1f * rng_float(seed);
    c->distances[q] = (float)(keys - 1 + rng_below(seed, 5));
  }
  c->args = (sks_attend_args){
      .query_count = queries, .stride = stride, .head_dim = head_dim, .key_count = keys};
  if (alibi) c->args.slopes = c->slopes, c->args.distances = c->distances;
}

static void point_into(call *c) {
  c->args.queries = c->queries;
  c->args.scores = c->scores;
  c->args.softmax = (sks_softmax){c->max, c->sum, c->acc};
  if (c->args.slopes) c->args.slopes = c->slopes, c->args.distances = c->distances;
}

/* Blocks for `slots` slots of keys and of values whose rows [slot, slot + count) are random and all
 * others NaN, against a page that cannot be touched. */
static guarded random_blocks(const sks_kernels *reference, int32_t type, int64_t head_dim,
                             bool keys, int64_t slots, const sks_attend_args *args,
                             uint64_t *seed) {
  size_t bytes =
      (size_t)((slots + SKS_KV_SLOTS - 1) / SKS_KV_SLOTS * sks_kv_block_bytes(type, head_dim));
  guarded blocks = rng_below(seed, 2) ? guard_end(bytes) : guard_start(bytes);
  memset(blocks.data, 0xff, bytes);
  for (int64_t i = 0; i < args->key_count; i++) {
    float row[SKS_MAX_HEAD_DIM];
    rng_fill(seed, row, head_dim, 2);
    sks_kv_store(reference, row, sks_kv_row_of(type, head_dim, keys, blocks.data, args->slot + i));
  }
  return blocks;
}

static void compare(const call *found, const call *expected, int32_t type) {
  const sks_attend_args *args = &expected->args;
  for (int64_t q = 0; q < args->query_count; q++) {
    CHECK(fabsf(found->max[q] - expected->max[q]) <= 2e-6f * (1 + fabsf(expected->max[q])),
          "type %d, head_dim %lld: max %g; expected %g", type, (long long)args->head_dim,
          (double)found->max[q], (double)expected->max[q]);
    double largest = 0, error = 0;
    for (int64_t c = 0; c < args->stride; c++) {
      double out = expected->acc[q * args->stride + c] / expected->sum[q];
      double difference = fabs(found->acc[q * args->stride + c] / found->sum[q] - out);
      largest = fmax(largest, fabs(out));
      error = worse_error(error, difference);
    }
    CHECK(error <= 4e-6 * largest,
          "type %d, head_dim %lld, query %lld of %lld, slots %lld + %lld: error %g of %g", type,
          (long long)args->head_dim, (long long)q, (long long)args->query_count,
          (long long)args->slot, (long long)args->key_count, error, largest);
  }
}

static void test_random_shapes(const sks_kernels *kernels, const sks_kernels *reference,
                               uint64_t seed) {
  static call expected, found;
  for (int64_t round = 0; round < check_effort(1500); round++) {
    int32_t type = (int32_t)(round % SKS_KV_TYPES);
    int64_t head_dim = 8 * (1 + rng_below(&seed, SKS_MAX_HEAD_DIM / 8));
    int64_t queries = 1 + rng_below(&seed, rng_below(&seed, 2) ? 9 : MOST_QUERIES);
    int64_t count = 1 + rng_below(&seed, rng_below(&seed, 2) ? 20 : MOST_KEYS);
    fill_call(&expected, queries, head_dim, count, &seed);
    sks_attend_args *args = &expected.args;
    args->slot = rng_below(&seed, 100);
    int64_t slots = args->slot + args->key_count;
    guarded keys = random_blocks(reference, type, head_dim, true, slots, args, &seed);
    guarded values = random_blocks(reference, type, head_dim, false, slots, args, &seed);
    args->keys = keys.data, args->values = values.data;
    found = expected;
    point_into(&expected);
    point_into(&found);
    reference->attend[type](&expected.args);
    kernels->attend[type](&found.args);
    compare(&found, &expected, type);
    guard_free(keys);
    guard_free(values);
  }
}

/* Half a step of a run's scale, or the rounding of a scale too small for f16. */
static void check_bound(const float *x, int64_t head_dim, const int8_t *elements,
                        const float *scales) {
  for (int64_t c = 0; c < head_dim; c++) {
    float scale = scales[c / SKS_SCALE_CHANNELS];
    CHECK(fabsf(x[c] - (float)elements[c] * scale) <= 0.501f * scale + 127 * 0x1p-25f,
          "channel %lld: %g became %d * %g", (long long)c, (double)x[c], elements[c],
          (double)scale);
    CHECK(elements[c] >= -127, "channel %lld: %d", (long long)c, elements[c]);
  }
}

static void quantize(const sks_kernels *kernels, const sks_kernels *reference, const float *x,
                     int64_t head_dim, bool finite, bool at_end) {
  guarded (*guard)(size_t) = at_end ? guard_end : guard_start;
  int64_t runs = sks_kv_scales(SKS_Q8_0, head_dim);
  guarded input = guard((size_t)head_dim * sizeof(float)), elements = guard((size_t)head_dim),
          scales = guard((size_t)runs * SKS_SCALE_BYTES);
  memcpy(input.data, x, (size_t)head_dim * sizeof(float));
  kernels->quantize_kv((float *)input.data, head_dim, (int8_t *)elements.data,
                       (uint16_t *)scales.data);
  int8_t expected[SKS_MAX_HEAD_DIM];
  uint16_t halves[SKS_MAX_HEAD_DIM / SKS_SCALE_CHANNELS];
  float widened[SKS_MAX_HEAD_DIM / SKS_SCALE_CHANNELS];
  reference->quantize_kv(x, head_dim, expected, halves);
  reference->widen[SKS_F16](scales.data, runs, widened);
  if (finite) {
    CHECK(memcmp(scales.data, halves, (size_t)runs * SKS_SCALE_BYTES) == 0, "scales differ");
    CHECK(memcmp(elements.data, expected, (size_t)head_dim) == 0, "elements differ");
    check_bound(x, head_dim, (int8_t *)elements.data, widened);
  } else {
    float unlike[SKS_MAX_HEAD_DIM / SKS_SCALE_CHANNELS];
    reference->widen[SKS_F16](halves, runs, unlike);
    for (int64_t i = 0; i < runs; i++)
      CHECK(isfinite(widened[i]) == isfinite(unlike[i]), "scale %lld: %g; expected %g",
            (long long)i, (double)widened[i], (double)unlike[i]);
  }
  guard_free(input);
  guard_free(elements);
  guard_free(scales);
}

static void test_quantize(const sks_kernels *kernels, const sks_kernels *reference, uint64_t seed) {
  float x[SKS_MAX_HEAD_DIM];
  static const float magnitudes[] = {1, 1e-3f, 6e4f, 8e6f, 1e-5f, 1e-9f, 1e-30f, 0};
  static const float strange[] = {NAN, INFINITY, -INFINITY, 3e38f, 9e6f};
  for (int64_t head_dim = 8; head_dim <= SKS_MAX_HEAD_DIM; head_dim += 8) {
    for (int i = 0; i < 8; i++) {
      rng_fill(&seed, x, head_dim, magnitudes[i]);
      quantize(kernels, reference, x, head_dim, true, i % 2);
    }
    for (int i = 0; i < 5; i++) {
      rng_fill(&seed, x, head_dim, 1);
      int64_t at = rng_below(&seed, head_dim);
      x[at] = strange[i];
      quantize(kernels, reference, x, head_dim, false, i % 2);
      sks_kv_row row;
      char block[SKS_KV_SLOTS * SKS_MAX_ROW_BYTES];
      row = sks_kv_row_of(SKS_Q8_0, head_dim, true, block, 5);
      sks_kv_store(kernels, x, row);
      sks_kv_load(kernels, row, x);
      for (int64_t c = 0; c < head_dim; c++)
        CHECK(isfinite(x[c]) == (c / SKS_SCALE_CHANNELS != at / SKS_SCALE_CHANNELS),
              "channel %lld beside %g: %g", (long long)c, (double)strange[i], (double)x[c]);
    }
  }
}

/* Every row of a block comes back, in whatever order they were stored. */
static void test_rows(const sks_kernels *kernels, const sks_kernels *reference, uint64_t seed) {
  (void)reference;
  for (int32_t type = 0; type < SKS_KV_TYPES; type++) {
    for (int64_t head_dim = 8; head_dim <= SKS_MAX_HEAD_DIM; head_dim += 40) {
      for (int keys = 0; keys <= 1; keys++) {
        guarded blocks = guard_end((size_t)(3 * sks_kv_block_bytes(type, head_dim)));
        static float rows[3 * SKS_KV_SLOTS][SKS_MAX_HEAD_DIM];
        for (int64_t i = 0; i < 3 * SKS_KV_SLOTS; i++) {
          int64_t slot = i * 11 % (3 * SKS_KV_SLOTS);
          sks_kv_row row = sks_kv_row_of(type, head_dim, keys, blocks.data, slot);
          rng_fill(&seed, rows[slot], head_dim, 1);
          sks_kv_store(kernels, rows[slot], row);
          sks_kv_load(kernels, row, rows[slot]); /* as it was rounded */
        }
        for (int64_t slot = 0; slot < 3 * SKS_KV_SLOTS; slot++) {
          float found[SKS_MAX_HEAD_DIM];
          char packed[SKS_MAX_ROW_BYTES];
          sks_kv_row row = sks_kv_row_of(type, head_dim, keys, blocks.data, slot);
          sks_kv_pack(row, packed);
          sks_kv_unpack(packed, row);
          sks_kv_load(kernels, row, found);
          CHECK(memcmp(found, rows[slot], (size_t)head_dim * sizeof(float)) == 0,
                "type %d, head_dim %lld, slot %lld", type, (long long)head_dim, (long long)slot);
        }
        guard_free(blocks);
      }
    }
  }
}

int main(int argc, char **argv) {
  uint64_t seed = rng_seed(argc, argv);
  for_every_isa(test_rows, seed);
  for_every_isa(test_quantize, seed);
  for_every_isa(test_random_shapes, seed);
  return check_report();
}
