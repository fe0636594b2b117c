/*
 * append + attend of one token against the memory it must read, a prefill chunk against the
 * arithmetic it must do, and both ways of positions: ours, and the published one that rotates the
 * whole key cache at every step. Usage: bench_attention [threads]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/attention.h"
#include "core/cache.h"
#include "core/element.h"
#include "sinkstream/attention.h"
#include "support/measure.h"

enum { SINKS = 4, REPEATS = 15, WORKING_SET = 128 << 20, MAX_LAYERS = 96 };

typedef struct shape {
  const char *name;
  int32_t heads, kv_heads, head_dim;
} shape;

static const shape SHAPES[] = {
    {"MHA 32x128", 32, 32, 128}, {"GQA 32/4x64", 32, 4, 64}, {"MQA 71x64", 71, 1, 64}};
static const char *TYPE_NAMES[] = {"f32", "f16", "bf16"};

/* The best of several runs: whatever else the machine does only ever adds. */
static double best(const double *times, int count) {
  double least = times[0];
  for (int i = 1; i < count; i++) least = times[i] < least ? times[i] : least;
  return least;
}

static void *allocate(int64_t bytes) {
  void *memory = malloc((size_t)bytes);
  if (!memory) {
    fprintf(stderr, "no memory: %lld bytes\n", (long long)bytes);
    exit(1);
  }
  return memory;
}

/* A stream of `layers` layers whose cache is full, and one row of a fused projection. */
typedef struct bench {
  sks_attention *attention;
  sks_cache *cache;
  sks_batch *batch;
  shape shape;
  int32_t layers;
  int64_t row; /* floats */
  float *x, *out;
} bench;

static void step(bench *b, int32_t rows) {
  int64_t dim = b->shape.head_dim, keys = b->shape.heads * dim,
          values = keys + b->shape.kv_heads * dim;
  check(sks_batch_begin(b->batch, &b->cache, &rows, 1));
  for (int32_t layer = 0; layer < b->layers; layer++) {
    check(sks_append(b->batch, layer, b->x + keys, b->x + values, b->row, dim));
    check(sks_attend(b->batch, layer, b->x, b->row, keys / b->shape.kv_heads, NULL, b->out));
  }
  check(sks_batch_commit(b->batch));
}

static int64_t token_bytes(shape s, int32_t type) {
  return 2 * (int64_t)s.kv_heads * s.head_dim * sks_element_bytes(type);
}

static bench open_bench(sks_device *device, shape s, int32_t type, int64_t window, int32_t max_rows,
                        int32_t layers) {
  bench b = {.shape = s, .layers = layers, .row = (s.heads + 2 * s.kv_heads) * (int64_t)s.head_dim};
  double frequencies[128];
  for (int i = 0; i < s.head_dim / 2; i++) frequencies[i] = pow(10000, -2.0 * i / s.head_dim);
  sks_attention_spec spec = {.layers = layers,
                             .heads = s.heads,
                             .kv_heads = s.kv_heads,
                             .head_dim = s.head_dim,
                             .rotary_dim = s.head_dim,
                             .scale = 1 / sqrtf((float)s.head_dim),
                             .inverse_frequencies = frequencies};
  sks_cache_spec cache = {SINKS, window, max_rows, type};
  check(sks_attention_create(device, &spec, &b.attention));
  check(sks_cache_create(b.attention, &cache, &b.cache));
  check(sks_batch_create(b.attention, max_rows, &b.batch));
  b.x = allocate(max_rows * b.row * (int64_t)sizeof(float));
  b.out = allocate(max_rows * (int64_t)s.heads * s.head_dim * (int64_t)sizeof(float));
  for (int64_t i = 0; i < max_rows * b.row; i++)
    b.x[i] = (float)((i * 2654435761u) % 2001) / 1000 - 1;
  return b;
}

static void close_bench(bench *b) {
  sks_batch_destroy(b->batch);
  sks_cache_destroy(b->cache);
  sks_attention_destroy(b->attention);
  free(b->x);
  free(b->out);
}

/* The rate at which all threads together read a buffer that no processor cache holds. */
static double read_bandwidth(sks_device *device) {
  enum { BYTES = 512 << 20 };
  void *buffer;
  check(sks_buffer_allocate(device, BYTES, &buffer));
  double times[REPEATS];
  for (int i = 0; i < REPEATS; i++) times[i] = read_seconds(device, buffer, BYTES);
  sks_buffer_free(device, buffer);
  return BYTES / best(times, REPEATS);
}

/* The published way: rotate every cached key by its place, then attend; widening by the library's
 * kernels. */
typedef struct published {
  const bench *b;
  int32_t type, layer;
  int64_t keys;
  const float *cosines, *sines; /* [keys, head_dim / 2] */
} published;

__attribute__((target("avx2,fma"), optimize("O3"))) static void rotate_row(float *restrict row,
                                                                           const float *restrict c,
                                                                           const float *restrict s,
                                                                           int32_t half) {
  for (int32_t i = 0; i < half; i++) {
    float low = row[i], high = row[i + half];
    row[i] = low * c[i] - high * s[i];
    row[i + half] = high * c[i] + low * s[i];
  }
}

__attribute__((target("avx2,fma"), optimize("O3,fast-math"))) static float dot(const float *a,
                                                                               const float *b,
                                                                               int32_t count) {
  float sum = 0;
  for (int32_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

__attribute__((target("avx2,fma"), optimize("O3"))) static void add_weighted(
    float *restrict y, float weight, const float *restrict x, int32_t count) {
  for (int32_t i = 0; i < count; i++) y[i] += weight * x[i];
}

static void published_head(void *argument, int64_t kv_head, int32_t thread) {
  (void)thread;
  const published *p = argument;
  const shape s = p->b->shape;
  const sks_kernels *kernels = &p->b->attention->device->kernels;
  int32_t dim = s.head_dim, half = dim / 2, group = s.heads / s.kv_heads;
  static _Thread_local float scores[128][8192], queries[128][256];
  for (int32_t h = 0; h < group; h++) {
    memcpy(queries[h], p->b->x + (kv_head * group + h) * dim, (size_t)dim * sizeof(float));
    rotate_row(queries[h], p->cosines + (p->keys - 1) * half, p->sines + (p->keys - 1) * half,
               half);
  }
  float row[256];
  for (int64_t k = 0; k < p->keys; k++) {
    kernels->widen[p->type](sks_key_row(p->b->cache, p->layer, (int32_t)kv_head, k), dim, row);
    rotate_row(row, p->cosines + k * half, p->sines + k * half, half);
    for (int32_t h = 0; h < group; h++)
      scores[h][k] = dot(queries[h], row, dim) * p->b->attention->scale;
  }
  float sums[128];
  for (int32_t h = 0; h < group; h++) {
    float max = scores[h][0], sum = 0;
    for (int64_t k = 1; k < p->keys; k++) max = scores[h][k] > max ? scores[h][k] : max;
    for (int64_t k = 0; k < p->keys; k++) sum += scores[h][k] = expf(scores[h][k] - max);
    sums[h] = sum;
    memset(p->b->out + (kv_head * group + h) * dim, 0, (size_t)dim * sizeof(float));
  }
  for (int64_t k = 0; k < p->keys; k++) {
    kernels->widen[p->type](sks_value_row(p->b->cache, p->layer, (int32_t)kv_head, k), dim, row);
    for (int32_t h = 0; h < group; h++)
      add_weighted(p->b->out + (kv_head * group + h) * dim, scores[h][k] / sums[h], row, dim);
  }
}

static double published_time(bench *b, int32_t type, int64_t keys) {
  int32_t layers = b->layers < 4 ? b->layers : 4;
  int32_t half = b->shape.head_dim / 2;
  float *cosines = allocate(keys * half * 4), *sines = allocate(keys * half * 4);
  for (int64_t k = 0; k < keys; k++) {
    for (int32_t i = 0; i < half; i++) {
      cosines[k * half + i] = (float)cos((double)k * pow(10000, -(double)i / half));
      sines[k * half + i] = (float)sin((double)k * pow(10000, -(double)i / half));
    }
  }
  double times[5];
  for (int i = 0; i < 5; i++) {
    double start = seconds();
    for (int32_t layer = 0; layer < layers; layer++) {
      published p = {b, type, layer, keys, cosines, sines};
      sks_pool_run(b->attention->device->pool, b->shape.kv_heads, published_head, &p);
    }
    times[i] = (seconds() - start) / layers;
  }
  free(cosines);
  free(sines);
  return best(times, 5);
}

static void decode(sks_device *device, shape s, int32_t type, int64_t keys, double bandwidth) {
  int64_t layer_bytes = keys * token_bytes(s, type), layers = WORKING_SET / layer_bytes + 1;
  bench b = open_bench(device, s, type, keys - SINKS, 256,
                       (int32_t)(layers < MAX_LAYERS ? layers : MAX_LAYERS));
  for (int64_t t = 0; t < keys; t += 256) step(&b, 256);
  step(&b, 1);
  double times[REPEATS];
  for (int i = 0; i < REPEATS; i++) {
    double start = seconds();
    step(&b, 1);
    times[i] = (seconds() - start) / b.layers;
  }
  double ours = best(times, REPEATS), theirs = published_time(&b, type, keys + 1);
  printf("| %-11s | %-4s | %4lld | %8.1f | %5.1f | %3.0f %% | %5.1f | %8.1f | %5.1fx |\n", s.name,
         TYPE_NAMES[type], (long long)keys, ours * 1e6, (double)layer_bytes / ours * 1e-9,
         100 * (double)layer_bytes / ours / bandwidth,
         4e-9 * (double)keys * s.heads * s.head_dim / ours, theirs * 1e6, theirs / ours);
  fflush(stdout);
  close_bench(&b);
}

static void prefill(sks_device *device, shape s, int32_t type, int64_t window) {
  enum { ROWS = 512 };
  bench b = open_bench(device, s, type, window, ROWS, 1);
  for (int64_t t = 0; t < SINKS + window + ROWS; t += ROWS) step(&b, ROWS);
  double times[5];
  for (int i = 0; i < 5; i++) {
    double start = seconds();
    step(&b, ROWS);
    times[i] = seconds() - start;
  }
  double took = best(times, 5);
  printf("| %-11s | %-4s | %4lld | %8.2f | %6.1f |\n", s.name, TYPE_NAMES[type],
         (long long)(SINKS + window), took * 1e3,
         4e-9 * ROWS * (double)(SINKS + window + 1) * s.heads * s.head_dim / took);
  fflush(stdout);
  close_bench(&b);
}

int main(int argc, char **argv) {
  sks_device *device;
  check(sks_device_open_cpu(argc > 1 ? atoi(argv[1]) : 0, NULL, &device));
  double bandwidth = read_bandwidth(device);
  printf("%s, %d threads, plain read %.1f GB/s\n\n", sks_device_isa(device),
         sks_device_threads(device), bandwidth * 1e-9);
  printf("append + attend of one token, per layer; the published way rotates all keys\n");
  printf(
      "| shape       | type | keys |  time us |  GB/s | read  | GFLOP/s | published us | ratio "
      "|\n");
  for (int i = 0; i < 3; i++)
    for (int32_t type = 0; type < SKS_FLOAT_TYPES; type++)
      for (int64_t keys = 256; keys <= 4096; keys *= 4)
        decode(device, SHAPES[i], type, keys, bandwidth);
  printf("\nprefill of 512 rows, per layer\n| shape       | type | keys |  time ms | GFLOP/s |\n");
  for (int i = 0; i < 3; i++)
    for (int32_t type = 0; type < SKS_FLOAT_TYPES; type++) prefill(device, SHAPES[i], type, 1020);
  sks_device_close(device);
  return 0;
}
