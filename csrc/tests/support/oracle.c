#include "support/oracle.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEAD_DIM = 256 };

static int64_t token_floats(const oracle *s) {
  return (int64_t)s->spec.layers * 2 * s->spec.kv_heads * s->spec.head_dim;
}

static float *row(const oracle *s, int64_t token, int32_t layer, int32_t kind, int32_t kv_head) {
  return s->rows + token * token_floats(s) +
         (((int64_t)layer * 2 + kind) * s->spec.kv_heads + kv_head) * s->spec.head_dim;
}

oracle *oracle_create(const sks_attention_spec *spec, const sks_cache_spec *cache) {
  oracle *stream = calloc(1, sizeof(*stream));
  stream->spec = *spec;
  stream->cache = *cache;
  return stream;
}

void oracle_destroy(oracle *stream) {
  free(stream->rows);
  free(stream->phases);
  free(stream);
}

void oracle_add_token(oracle *stream) {
  int32_t half = stream->spec.rotary_dim / 2;
  if (stream->tokens == stream->room) {
    stream->room = 2 * stream->room + 64;
    stream->rows =
        realloc(stream->rows, (size_t)(stream->room * token_floats(stream)) * sizeof(float));
    stream->phases = realloc(stream->phases, (size_t)(stream->room * half * 2) * sizeof(double));
  }
  stream->tokens++;
  for (; stream->places < stream->tokens; stream->places++) {
    for (int32_t i = 0; i < half; i++) {
      double angle = (double)stream->places * stream->spec.inverse_frequencies[i];
      stream->phases[(stream->places * half + i) * 2] = cos(angle);
      stream->phases[(stream->places * half + i) * 2 + 1] = sin(angle);
    }
  }
}

static float rounded(float x, int32_t type) {
  if (type == SKS_F16) return (float)(_Float16)x;
  if (type == SKS_F32) return x;
  uint32_t bits;
  memcpy(&bits, &x, 4);
  bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
  memcpy(&x, &bits, 4);
  return x;
}

/* The values of one head as a cache of this type rounds them. */
static void round_values(float *values, int32_t count, int32_t type) {
  enum { RUN = 32 };
  if (type != SKS_Q8_0) {
    for (int32_t c = 0; c < count; c++) values[c] = rounded(values[c], type);
    return;
  }
  for (int32_t begin = 0; begin < count; begin += RUN) {
    int32_t end = begin + RUN < count ? begin + RUN : count;
    float largest = 0;
    for (int32_t c = begin; c < end; c++) largest = fmaxf(largest, fabsf(values[c]));
    float scale = rounded(largest / 127, SKS_F16);
    for (int32_t c = begin; c < end; c++) values[c] = rintf(values[c] / scale) * scale;
  }
}

void oracle_set_row(oracle *stream, int64_t token, int32_t layer, const float *keys,
                    const float *values, int64_t head_stride) {
  int32_t head_dim = stream->spec.head_dim;
  for (int32_t g = 0; g < stream->spec.kv_heads; g++) {
    memcpy(row(stream, token, layer, 0, g), keys + g * head_stride,
           (size_t)head_dim * sizeof(float));
    float *value = row(stream, token, layer, 1, g);
    memcpy(value, values + g * head_stride, (size_t)head_dim * sizeof(float));
    round_values(value, head_dim, stream->cache.type);
  }
}

void oracle_drop_last(oracle *stream, int64_t count) {
  stream->tokens -= count;
  if (stream->tokens <= stream->cache.sinks) stream->barrier = 0;
}

/* The first window token that a query at `token` sees. */
static int64_t window_start(const oracle *s, int64_t token) {
  int64_t first = s->cache.sinks;
  if (s->cache.window != SKS_DENSE && token - s->cache.window > first)
    first = token - s->cache.window;
  return s->barrier > first ? s->barrier : first;
}

void oracle_evict(oracle *stream, int64_t begin, int64_t end) {
  if (begin == end) return;
  stream->barrier = window_start(stream, stream->tokens);
  size_t floats = (size_t)token_floats(stream);
  memmove(stream->rows + (size_t)begin * floats, stream->rows + (size_t)end * floats,
          (size_t)(stream->tokens - end) * floats * sizeof(float));
  stream->tokens -= end - begin;
}

void oracle_forget_window(oracle *stream) { stream->barrier = stream->tokens; }

int64_t oracle_seen(const oracle *stream, int64_t token) {
  if (token < stream->cache.sinks) return token;
  return stream->cache.sinks + token - window_start(stream, token);
}

static void rotate(const oracle *s, const float *x, int64_t place, double *y) {
  int32_t half = s->spec.rotary_dim / 2;
  for (int32_t c = 0; c < s->spec.head_dim; c++) y[c] = x[c];
  bool interleaved = s->spec.rotary_layout == SKS_ROTARY_INTERLEAVED;
  for (int32_t i = 0; i < half; i++) {
    const double *phase = s->phases + (place * half + i) * 2;
    int32_t a = interleaved ? 2 * i : i, b = interleaved ? 2 * i + 1 : i + half;
    y[a] = x[a] * phase[0] - x[b] * phase[1];
    y[b] = x[b] * phase[0] + x[a] * phase[1];
  }
}

/* The `index`-th token that a query at `token` sees. */
static int64_t seen_token(const oracle *s, int64_t token, int64_t index) {
  return index < s->cache.sinks ? index : window_start(s, token) + index - s->cache.sinks;
}

void oracle_weights(const oracle *stream, int64_t token, int32_t layer, int32_t head,
                    const float *query, const float *sink_logit, double *weights) {
  const sks_attention_spec *spec = &stream->spec;
  int32_t kv_head = head / (spec->heads / spec->kv_heads);
  int64_t keys = oracle_seen(stream, token) + 1, place = keys - 1;
  double rotated[MAX_HEAD_DIM], key[MAX_HEAD_DIM];
  rotate(stream, query, place, rotated);

  double max = sink_logit ? *sink_logit : -INFINITY;
  for (int64_t j = 0; j < keys; j++) {
    rotate(stream, row(stream, seen_token(stream, token, j), layer, 0, kv_head), j, key);
    double score = 0;
    for (int32_t c = 0; c < spec->head_dim; c++) score += rotated[c] * key[c];
    score *= spec->scale;
    if (spec->alibi_slopes) score -= spec->alibi_slopes[head] * (double)(place - j);
    weights[j] = score;
    if (score > max) max = score;
  }
  double sum = sink_logit ? exp(*sink_logit - max) : 0;
  for (int64_t j = 0; j < keys; j++) sum += weights[j] = exp(weights[j] - max);
  for (int64_t j = 0; j < keys; j++) weights[j] /= sum;
}

void oracle_attend(const oracle *stream, int64_t token, int32_t layer, int32_t head,
                   const float *query, const float *sink_logit, double *out) {
  const sks_attention_spec *spec = &stream->spec;
  int32_t kv_head = head / (spec->heads / spec->kv_heads);
  int64_t keys = oracle_seen(stream, token) + 1;
  double *weights = malloc((size_t)keys * sizeof(double));
  oracle_weights(stream, token, layer, head, query, sink_logit, weights);
  for (int32_t c = 0; c < spec->head_dim; c++) out[c] = 0;
  for (int64_t j = 0; j < keys; j++) {
    const float *value = row(stream, seen_token(stream, token, j), layer, 1, kv_head);
    for (int32_t c = 0; c < spec->head_dim; c++) out[c] += weights[j] * value[c];
  }
  free(weights);
}
