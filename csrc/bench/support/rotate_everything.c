#include "support/rotate_everything.h"

#include <math.h>
#include <string.h>

#include "core/element.h"
#include "core/memory.h"
#include "cpu/cpu.h"

enum { MOST_DIM = 256 };

struct rotate_everything {
  sks_device *device;
  int32_t layers, heads, kv_heads, head_dim, type;
  int32_t parts;       /* of the query heads of each KV head, so that no thread is without */
  int64_t sinks, keys; /* keys: sinks + window + 1, the newest token the last of them */
  char *key_rows, *value_rows; /* [layers, kv_heads, keys, head_dim] */
  float *cosines, *sines;      /* [keys, head_dim / 2]: the table of the published code */
  float *scores;               /* [heads, keys] */
  int32_t layer;
  const float *new_queries, *new_keys, *new_values; /* of the step */
  float *out;
};

#if defined(__x86_64__)
#define FOR_THIS_MACHINE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_THIS_MACHINE
#endif
#define INLINE static inline __attribute__((always_inline))

INLINE void rotate(const float *restrict x, const float *restrict cosines,
                   const float *restrict sines, int32_t half, float *restrict y) {
  for (int32_t i = 0; i < half; i++) {
    y[i] = x[i] * cosines[i] - x[i + half] * sines[i];
    y[i + half] = x[i + half] * cosines[i] + x[i] * sines[i];
  }
}

INLINE float dot(const float *a, const float *b, int32_t count) {
  float sum = 0;
  for (int32_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

INLINE void softmax(float *scores, int64_t count) {
  float largest = scores[0], sum = 0;
  for (int64_t k = 1; k < count; k++) largest = scores[k] > largest ? scores[k] : largest;
  for (int64_t k = 0; k < count; k++) sum += scores[k] = expf(scores[k] - largest);
  for (int64_t k = 0; k < count; k++) scores[k] /= sum;
}

/* Evicts the token after the sinks, and puts the new one at the end. */
static void concatenate(const rotate_everything *c, char *rows, const float *row) {
  size_t bytes = (size_t)sks_bytes_of(c->type, c->head_dim);
  char *window = rows + (size_t)c->sinks * bytes, *newest = rows + (size_t)(c->keys - 1) * bytes;
  memmove(window, window + bytes, (size_t)(newest - window));
  sks_cpu_of(c->device)->kernels.narrow[c->type](row, c->head_dim, newest);
}

/* Query heads [first, first + count) meet their KV head. */
FOR_THIS_MACHINE static void attend(const rotate_everything *c, int32_t first, int32_t count,
                                    const char *keys, const char *values) {
  const sks_kernels *kernels = &sks_cpu_of(c->device)->kernels;
  int32_t dim = c->head_dim, half = dim / 2;
  int64_t bytes = sks_bytes_of(c->type, dim), last = c->keys - 1;
  const float *queries = c->new_queries + (int64_t)first * dim;
  float *out = c->out + (int64_t)first * dim;
  float *scores = c->scores + (int64_t)first * c->keys;
  float row[MOST_DIM], rotated[MOST_DIM], rotated_queries[128][MOST_DIM];
  for (int32_t h = 0; h < count; h++) {
    rotate(queries + h * dim, c->cosines + last * half, c->sines + last * half, half,
           rotated_queries[h]);
    for (int32_t i = 0; i < dim; i++) rotated_queries[h][i] /= sqrtf((float)dim);
  }
  for (int64_t k = 0; k < c->keys; k++) {
    kernels->widen[c->type](keys + k * bytes, dim, row);
    rotate(row, c->cosines + k * half, c->sines + k * half, half, rotated);
    for (int32_t h = 0; h < count; h++)
      scores[h * c->keys + k] = dot(rotated_queries[h], rotated, dim);
  }
  for (int32_t h = 0; h < count; h++) softmax(scores + h * c->keys, c->keys);
  memset(out, 0, (size_t)(count * dim) * sizeof(float));
  for (int64_t k = 0; k < c->keys; k++) {
    kernels->widen[c->type](values + k * bytes, dim, row);
    for (int32_t h = 0; h < count; h++) {
      float weight = scores[h * c->keys + k];
      for (int32_t i = 0; i < dim; i++) out[h * dim + i] += weight * row[i];
    }
  }
}

static int64_t head_bytes(const rotate_everything *c) {
  return c->keys * sks_bytes_of(c->type, c->head_dim);
}

/* Keys of a KV head where index is even, values where it is odd. */
static void concatenate_head(void *argument, int64_t index, int32_t thread) {
  (void)thread;
  const rotate_everything *c = argument;
  int64_t kv_head = index / 2, at = (c->layer * (int64_t)c->kv_heads + kv_head) * head_bytes(c);
  const float *rows = index % 2 ? c->new_values : c->new_keys;
  concatenate(c, (index % 2 ? c->value_rows : c->key_rows) + at, rows + kv_head * c->head_dim);
}

static void attend_part(void *argument, int64_t index, int32_t thread) {
  (void)thread;
  const rotate_everything *c = argument;
  int32_t group = c->heads / c->kv_heads, kv_head = (int32_t)(index / c->parts),
          part = (int32_t)(index % c->parts);
  int32_t begin = group * part / c->parts, end = group * (part + 1) / c->parts;
  int64_t at = (c->layer * (int64_t)c->kv_heads + kv_head) * head_bytes(c);
  attend(c, kv_head * group + begin, end - begin, c->key_rows + at, c->value_rows + at);
}

void rotate_everything_step(rotate_everything *cache, int32_t layer, const float *queries,
                            const float *keys, const float *values, float *out) {
  cache->layer = layer;
  cache->new_queries = queries;
  cache->new_keys = keys;
  cache->new_values = values;
  cache->out = out;
  sks_pool_run(sks_cpu_of(cache->device)->pool, 2 * cache->kv_heads, concatenate_head, cache);
  sks_pool_run(sks_cpu_of(cache->device)->pool, (int64_t)cache->kv_heads * cache->parts,
               attend_part, cache);
}

static void fill_table(rotate_everything *c) {
  int32_t half = c->head_dim / 2;
  for (int64_t k = 0; k < c->keys; k++) {
    for (int32_t i = 0; i < half; i++) {
      double angle = (double)k * pow(10000, -(double)i / half);
      c->cosines[k * half + i] = (float)cos(angle);
      c->sines[k * half + i] = (float)sin(angle);
    }
  }
}

rotate_everything *rotate_everything_create(int32_t threads, int32_t layers, int32_t heads,
                                            int32_t kv_heads, int32_t head_dim, int64_t sinks,
                                            int64_t window, int32_t type) {
  rotate_everything *made = sks_memory_allocate(sizeof *made, "the published way");
  if (!made) return NULL;
  *made = (rotate_everything){.layers = layers,
                              .heads = heads,
                              .kv_heads = kv_heads,
                              .head_dim = head_dim,
                              .type = type,
                              .sinks = sinks,
                              .keys = sinks + window + 1};
  int64_t rows = layers * (int64_t)kv_heads * head_bytes(made);
  int64_t table = made->keys * (head_dim / 2) * (int64_t)sizeof(float);
  made->key_rows = sks_memory_allocate(rows, "keys");
  made->value_rows = sks_memory_allocate(rows, "values");
  made->cosines = sks_memory_allocate(table, "cosines");
  made->sines = sks_memory_allocate(table, "sines");
  made->scores = sks_memory_allocate(heads * made->keys * (int64_t)sizeof(float), "scores");
  if (!made->key_rows || !made->value_rows || !made->cosines || !made->sines || !made->scores ||
      sks_device_open_cpu(threads, NULL, &made->device) != SKS_OK) {
    rotate_everything_destroy(made);
    return NULL;
  }
  int32_t running = sks_device_threads(made->device), group = heads / kv_heads;
  int32_t parts = (running + kv_heads - 1) / kv_heads;
  made->parts = parts < group ? parts : group;
  fill_table(made);
  return made;
}

void rotate_everything_destroy(rotate_everything *cache) {
  if (!cache) return;
  sks_device_close(cache->device);
  sks_memory_free(cache->key_rows);
  sks_memory_free(cache->value_rows);
  sks_memory_free(cache->cosines);
  sks_memory_free(cache->sines);
  sks_memory_free(cache->scores);
  sks_memory_free(cache);
}
