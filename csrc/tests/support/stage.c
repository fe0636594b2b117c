#include "support/stage.h"

#include <math.h>
#include <string.h>

#include "core/hash.h"
#include "support/check.h"
#include "support/error.h"
#include "support/guard.h"
#include "support/jump.h"
#include "support/rng.h"

stage *stage_create(sks_device *device, const stage_spec *spec, int streams, uint64_t seed) {
  stage *s = calloc(1, sizeof(*s));
  s->spec = *spec;
  s->output_hash = SKS_HASH_START;
  for (int32_t i = 0; i < spec->rotary_dim / 2; i++)
    s->inverse_frequencies[i] = pow(10000, -2.0 * i / spec->rotary_dim);
  for (int32_t h = 0; h < spec->heads; h++) {
    s->slopes[h] = 0.25f + 0.25f * rng_float(&seed);
    s->sink_logits[h] = 2 * rng_float(&seed);
  }
  sks_attention_spec attention = {.layers = spec->layers,
                                  .heads = spec->heads,
                                  .kv_heads = spec->kv_heads,
                                  .head_dim = spec->head_dim,
                                  .rotary_dim = spec->rotary_dim,
                                  .rotary_layout = spec->rotary_layout,
                                  .scale = 1 / sqrtf((float)spec->head_dim),
                                  .inverse_frequencies = s->inverse_frequencies,
                                  .alibi_slopes = spec->alibi ? s->slopes : NULL};
  sks_cache_spec cache = {spec->sinks, spec->window, spec->max_rows, spec->type};
  REQUIRE(sks_attention_create(device, &attention, &s->attention) == SKS_OK, "%s",
          sks_last_error());
  REQUIRE(sks_batch_create(s->attention, spec->max_rows * streams, &s->batch) == SKS_OK, "%s",
          sks_last_error());
  for (int i = 0; i < streams; i++) {
    REQUIRE(sks_cache_create(s->attention, &cache, &s->caches[i]) == SKS_OK, "%s",
            sks_last_error());
    s->oracles[i] = oracle_create(&attention, &cache);
  }
  return s;
}

void stage_destroy(stage *s) {
  for (int i = 0; i < STAGE_STREAMS; i++) {
    sks_cache_destroy(s->caches[i]);
    if (s->oracles[i]) oracle_destroy(s->oracles[i]);
  }
  sks_batch_destroy(s->batch);
  sks_attention_destroy(s->attention);
  free(s);
}

double stage_tolerance(int32_t type) {
  static const double of[] = {
      [SKS_F32] = 4e-6, [SKS_F16] = 4e-3, [SKS_BF16] = 3e-2, [SKS_Q8_0] = 8e-2};
  return of[type];
}

/* Where queries, keys and values of a row start, and how far apart heads are, in floats. */
typedef struct places {
  int64_t row, query, key, value, group_stride, head_stride;
} places;

static places places_of(const stage_spec *spec) {
  int64_t dim = spec->head_dim, group = spec->heads / spec->kv_heads;
  places at = {.row = (spec->heads + 2 * spec->kv_heads) * dim};
  if (spec->layout == STACKED) {
    at.key = spec->heads * dim;
    at.value = at.key + spec->kv_heads * dim;
    at.group_stride = group * dim;
    at.head_stride = dim;
  } else {
    at.key = group * dim;
    at.value = at.key + dim;
    at.group_stride = at.head_stride = (group + 2) * dim;
  }
  return at;
}

static void compare_row(stage *s, int stream, int64_t token, int32_t layer, const float *queries,
                        const float *out) {
  const stage_spec *spec = &s->spec;
  int32_t group = spec->heads / spec->kv_heads;
  int64_t group_stride = places_of(spec).group_stride;
  for (int32_t h = 0; h < spec->heads; h++) {
    double expected[STAGE_MAX_DIM], largest = 0, error = 0;
    oracle_attend(s->oracles[stream], token, layer, h,
                  queries + h / group * group_stride + h % group * (int64_t)spec->head_dim,
                  spec->sink_logits ? &s->sink_logits[h] : NULL, expected);
    for (int32_t c = 0; c < spec->head_dim; c++) {
      double difference = fabs(out[h * (int64_t)spec->head_dim + c] - expected[c]);
      largest = fmax(largest, fabs(expected[c]));
      error = worse_error(error, difference);
    }
    if (!(error <= s->worst * largest)) s->worst = error / largest;
    REQUIRE(error <= stage_tolerance(spec->type) * largest,
            "stream %d token %lld of %d+%d, head_dim %d, heads %d/%d, type %d, layer %d head %d: "
            "error %g of %g",
            stream, (long long)token, (int)spec->sinks, (int)spec->window, spec->head_dim,
            spec->heads, spec->kv_heads, spec->type, layer, h, error, largest);
  }
}

/* sks_attention_weights of the last row of each stream. */
static void compare_weights(stage *s, const int32_t *rows, int32_t layer, const float *queries) {
  const stage_spec *spec = &s->spec;
  places at = places_of(spec);
  int32_t group = spec->heads / spec->kv_heads, last = -1;
  for (int i = 0; i < STAGE_STREAMS; i++) {
    if (rows[i] == 0) continue;
    last += rows[i];
    int64_t token = s->oracles[i]->tokens - 1, expected = oracle_seen(s->oracles[i], token) + 1;
    int64_t keys = 0, capacity = spec->heads * expected;
    guarded output = guard_end((size_t)capacity * sizeof(float));
    const float *weights = (const float *)output.data;
    const float *logits = spec->sink_logits ? s->sink_logits : NULL;
    CHECK_REFUSED(sks_attention_weights(s->batch, layer, queries, at.row, at.group_stride, logits,
                                        last, (float *)output.data, capacity - 1, &keys),
                  SKS_INVALID_ARGUMENT, "room");
    int32_t status = sks_attention_weights(s->batch, layer, queries, at.row, at.group_stride,
                                           logits, last, (float *)output.data, capacity, &keys);
    REQUIRE(status == SKS_OK, "%s", sks_last_error());
    REQUIRE(keys == expected, "%lld of %lld", (long long)keys, (long long)expected);
    double *right = malloc((size_t)keys * sizeof(double));
    for (int32_t h = 0; h < spec->heads; h++) {
      double error = 0, largest = 0;
      oracle_weights(s->oracles[i], token, layer, h,
                     queries + last * at.row + h / group * at.group_stride +
                         h % group * (int64_t)spec->head_dim,
                     logits ? &logits[h] : NULL, right);
      for (int64_t j = 0; j < keys; j++) {
        double difference = fabs((double)weights[h * keys + j] - right[j]);
        largest = fmax(largest, right[j]);
        error = worse_error(error, difference);
      }
      REQUIRE(error <= stage_tolerance(spec->type) * largest,
              "weights of token %lld of %d+%d, type %d, layer %d head %d: error %g of %g",
              (long long)token, (int)spec->sinks, (int)spec->window, spec->type, layer, h, error,
              largest);
    }
    free(right);
    guard_free(output);
  }
}

static void compare_layer(stage *s, const int32_t *rows, int32_t layer, const float *queries,
                          const float *out) {
  int64_t row = places_of(&s->spec).row, out_row = (int64_t)s->spec.heads * s->spec.head_dim;
  for (int i = 0; i < STAGE_STREAMS; i++)
    for (int32_t r = 0; r < rows[i]; r++, queries += row, out += out_row)
      compare_row(s, i, s->oracles[i]->tokens - rows[i] + r, layer, queries, out);
}

static void run_layer(stage *s, const int32_t *rows, int32_t total, int32_t layer, uint64_t *seed) {
  const stage_spec *spec = &s->spec;
  places at = places_of(spec);
  int64_t dim = spec->head_dim;
  guarded (*guard)(size_t) = rng_below(seed, 2) ? guard_end : guard_start;
  size_t bytes = (size_t)(total * at.row) * sizeof(float);
  size_t out_bytes = (size_t)(total * spec->heads * dim) * sizeof(float);
  guarded input = guard(bytes), output = guard(out_bytes);
  float *x = (float *)input.data, *out = (float *)output.data;
  for (int64_t i = 0; i < total * at.row; i++) x[i] = 2 * rng_float(seed);
  for (int64_t i = 0; i < total * spec->heads * dim; i++) out[i] = NAN;

  int32_t status = sks_append(s->batch, layer, x + at.key, x + at.value, at.row, at.head_stride);
  REQUIRE(status == SKS_OK, "%s", sks_last_error());
  status = sks_attend(s->batch, layer, x + at.query, at.row, at.group_stride,
                      spec->sink_logits ? s->sink_logits : NULL, out);
  REQUIRE(status == SKS_OK, "%s", sks_last_error());
  s->output_hash = sks_hash(s->output_hash, out, (int64_t)out_bytes);

  const float *row = x;
  for (int i = 0; i < STAGE_STREAMS; i++) {
    for (int32_t r = 0; r < rows[i]; r++, row += at.row) {
      int64_t token = s->oracles[i]->tokens - rows[i] + r;
      oracle_set_row(s->oracles[i], token, layer, row + at.key, row + at.value, at.head_stride);
    }
  }
  if (!spec->unchecked) {
    compare_layer(s, rows, layer, x + at.query, out);
    compare_weights(s, rows, layer, x + at.query);
  }
  guard_free(input);
  guard_free(output);
}

void stage_step(stage *s, const int32_t *rows, uint64_t seed, bool abandon) {
  sks_cache *caches[STAGE_STREAMS];
  int32_t counts[STAGE_STREAMS], streams = 0, total = 0, all[STAGE_STREAMS] = {0};
  for (int i = 0; i < STAGE_STREAMS && s->caches[i]; i++) {
    all[i] = rows[i];
    if (rows[i] == 0) continue;
    caches[streams] = s->caches[i];
    counts[streams++] = rows[i];
    total += rows[i];
    for (int32_t r = 0; r < rows[i]; r++) oracle_add_token(s->oracles[i]);
  }
  if (streams == 0) return;
  REQUIRE(sks_batch_begin(s->batch, caches, counts, streams) == SKS_OK, "%s", sks_last_error());
  for (int32_t layer = 0; layer < s->spec.layers; layer++) run_layer(s, all, total, layer, &seed);
  if (abandon) {
    for (int i = 0; i < STAGE_STREAMS; i++)
      if (s->oracles[i]) s->oracles[i]->tokens -= all[i];
    return;
  }
  REQUIRE(sks_batch_commit(s->batch) == SKS_OK, "%s", sks_last_error());
  for (int i = 0; i < STAGE_STREAMS && s->caches[i]; i++)
    REQUIRE(sks_cache_tokens(s->caches[i]) == oracle_seen(s->oracles[i], s->oracles[i]->tokens),
            "%lld of %lld", (long long)sks_cache_tokens(s->caches[i]),
            (long long)oracle_seen(s->oracles[i], s->oracles[i]->tokens));
}

void stage_jump(stage *s, int stream, int64_t position) {
  cache_jump(s->caches[stream], position);
  oracle_forget_window(s->oracles[stream]);
}
