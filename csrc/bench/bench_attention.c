/*
 * append + attend of one token against the memory it must read, the arithmetic it must do, the
 * published way (support/rotate_everything.h) and the reference kernels; and a prefill chunk
 * against the arithmetic. Usage: bench_attention [THREADS [SHAPE [TYPE [KEYS]]]], where SHAPE is
 * how the name of one begins and - stands for all.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cache.h"
#include "core/element.h"
#include "core/kv.h"
#include "sinkstream/attention.h"
#include "support/measure.h"
#include "support/rotate_everything.h"

enum {
  SINKS = 4,
  REPEATS = 15,
  WORKING_SET = 128 << 20, /* bytes of all layers together: no processor cache holds so much */
  MAX_LAYERS = 96,
  FILL_ROWS = 256,
  PREFILL_ROWS = 256
};

typedef struct shape {
  const char *name;
  int32_t heads, kv_heads, head_dim;
} shape;

static const shape SHAPES[] = {{"MHA 32x128", 32, 32, 128},
                               {"GQA 32/8x128", 32, 8, 128},
                               {"GQA 32/4x64", 32, 4, 64},
                               {"MQA 71/1x64", 71, 1, 64}};

/* What the machine can do, measured before all else. */
typedef struct machine {
  double bandwidth, arithmetic;
} machine;

static void *allocate(int64_t bytes) {
  void *memory = calloc(1, (size_t)bytes);
  if (!memory) {
    fprintf(stderr, "no memory: %lld bytes\n", (long long)bytes);
    exit(1);
  }
  return memory;
}

/* A stream of `layers` layers whose cache is full, and rows of a fused projection. */
typedef struct bench {
  sks_attention *attention;
  sks_cache *cache;
  sks_batch *batch;
  shape shape;
  int32_t layers;
  int64_t row; /* floats */
  float *x, *out;
} bench;

static void append(const bench *b, int32_t layer) {
  int64_t dim = b->shape.head_dim, keys = b->shape.heads * dim,
          values = keys + b->shape.kv_heads * dim;
  check(sks_append(b->batch, layer, b->x + keys, b->x + values, b->row, dim));
}

static void step(const bench *b, int32_t rows) {
  int64_t group = (int64_t)b->shape.heads * b->shape.head_dim / b->shape.kv_heads;
  check(sks_batch_begin(b->batch, &b->cache, &rows, 1));
  for (int32_t layer = 0; layer < b->layers; layer++) {
    append(b, layer);
    check(sks_attend(b->batch, layer, b->x, b->row, group, NULL, b->out));
  }
  check(sks_batch_commit(b->batch));
}

/* Tokens that nobody attends from: as good as any to fill a cache with. */
static void fill(const bench *b, int64_t tokens) {
  int32_t rows = FILL_ROWS;
  for (int64_t t = 0; t < tokens; t += rows) {
    check(sks_batch_begin(b->batch, &b->cache, &rows, 1));
    for (int32_t layer = 0; layer < b->layers; layer++) append(b, layer);
    check(sks_batch_commit(b->batch));
  }
}

static bench open_bench(sks_device *device, shape s, int32_t type, int64_t keys, int32_t layers) {
  bench b = {.shape = s, .layers = layers, .row = (s.heads + 2 * s.kv_heads) * (int64_t)s.head_dim};
  double frequencies[128];
  for (int i = 0; i < s.head_dim / 2; i++) frequencies[i] = pow(10000, -2.0 * i / s.head_dim);
  sks_attention_spec spec = {.layers = layers,
                             .heads = s.heads,
                             .kv_heads = s.kv_heads,
                             .head_dim = s.head_dim,
                             .rotary_dim = s.head_dim,
                             .rotary_layout = SKS_ROTARY_HALF_SPLIT,
                             .scale = 1 / sqrtf((float)s.head_dim),
                             .inverse_frequencies = frequencies};
  sks_cache_spec cache = {SINKS, keys - SINKS, FILL_ROWS, type};
  check(sks_attention_create(device, &spec, &b.attention));
  check(sks_cache_create(b.attention, &cache, &b.cache));
  check(sks_batch_create(b.attention, FILL_ROWS, &b.batch));
  b.x = allocate(FILL_ROWS * b.row * (int64_t)sizeof(float));
  b.out = allocate(FILL_ROWS * (int64_t)s.heads * s.head_dim * (int64_t)sizeof(float));
  for (int64_t i = 0; i < FILL_ROWS * b.row; i++)
    b.x[i] = (float)((i * 2654435761u) % 2001) / 1000 - 1;
  fill(&b, keys + 40); /* past the end of the ring, as in most steps of a stream */
  return b;
}

static void close_bench(bench *b) {
  sks_batch_destroy(b->batch);
  sks_cache_destroy(b->cache);
  sks_attention_destroy(b->attention);
  free(b->x);
  free(b->out);
}

static int64_t layer_bytes(shape s, int32_t type, int64_t keys) {
  return 2 * keys * s.kv_heads * sks_kv_row_bytes(type, s.head_dim);
}

static double layer_operations(shape s, int64_t keys) {
  return 4.0 * (double)keys * s.heads * s.head_dim;
}

static int32_t layers_for(shape s, int32_t type, int64_t keys) {
  int64_t layers = WORKING_SET / layer_bytes(s, type, keys) + 1;
  return (int32_t)(layers < MAX_LAYERS ? layers : MAX_LAYERS);
}

/* Seconds of one layer. */
static double step_time(sks_device *device, shape s, int32_t type, int64_t keys, int32_t layers,
                        int repeats) {
  bench b = open_bench(device, s, type, keys, layers);
  double times[REPEATS];
  step(&b, 1);
  for (int i = 0; i < repeats; i++) {
    double start = seconds();
    step(&b, 1);
    times[i] = (seconds() - start) / layers;
  }
  close_bench(&b);
  return median(times, repeats);
}

static double published_time(int32_t threads, shape s, int32_t type, int64_t keys, int32_t layers) {
  rotate_everything *published = rotate_everything_create(threads, layers, s.heads, s.kv_heads,
                                                          s.head_dim, SINKS, keys - SINKS, type);
  if (!published) check(SKS_OUT_OF_MEMORY);
  int64_t queries = (int64_t)s.heads * s.head_dim, rows = (int64_t)s.kv_heads * s.head_dim;
  float *x = allocate((2 * queries + 2 * rows) * (int64_t)sizeof(float));
  for (int64_t i = 0; i < queries + 2 * rows; i++) x[i] = (float)((i * 40503u) % 2001) / 1000 - 1;
  double times[5];
  for (int i = 0; i < 5; i++) {
    double start = seconds();
    for (int32_t layer = 0; layer < layers; layer++)
      rotate_everything_step(published, layer, x, x + queries, x + queries + rows,
                             x + queries + 2 * rows);
    times[i] = (seconds() - start) / layers;
  }
  free(x);
  rotate_everything_destroy(published);
  return median(times, 5);
}

static double reference_time(int32_t threads, shape s, int32_t type, int64_t keys) {
  sks_device *reference;
  check(sks_device_open_cpu(threads, "reference", &reference));
  double took = step_time(reference, s, type, keys, 1, 1);
  sks_device_close(reference);
  return took;
}

static void decode(sks_device *device, shape s, int32_t type, int64_t keys, machine m) {
  int32_t threads = sks_device_threads(device), layers = layers_for(s, type, keys);
  double ours = step_time(device, s, type, keys, layers, REPEATS);
  double reading = (double)layer_bytes(s, type, keys) / m.bandwidth,
         computing = layer_operations(s, keys) / m.arithmetic;
  double floor = reading > computing ? reading : computing;
  printf("| %-12s | %-4s | %4lld | %7.1f | %7.1f | %7.1f | %5.0f %% |", s.name, sks_type_name(type),
         (long long)keys, ours * 1e6, reading * 1e6, computing * 1e6, 100 * floor / ours);
  if (type == SKS_Q8_0) /* the published way has no such cache */
    printf("         - |      - |");
  else {
    double published = published_time(threads, s, type, keys, layers);
    printf(" %9.1f | %5.1fx |", published * 1e6, published / ours);
  }
  printf(" %8.0fx |\n", reference_time(threads, s, type, keys) / ours);
  fflush(stdout);
}

static void prefill(sks_device *device, shape s, int32_t type, int64_t keys, machine m) {
  bench b = open_bench(device, s, type, keys, 1);
  double times[5];
  for (int i = 0; i < 5; i++) {
    double start = seconds();
    step(&b, PREFILL_ROWS);
    times[i] = seconds() - start;
  }
  double took = median(times, 5), operations = PREFILL_ROWS * layer_operations(s, keys + 1);
  printf("| %-12s | %-4s | %4lld | %8.2f | %6.1f | %3.0f %% |\n", s.name, sks_type_name(type),
         (long long)keys, took * 1e3, operations / took * 1e-9,
         100 * operations / took / m.arithmetic);
  fflush(stdout);
  close_bench(&b);
}

/* The rate at which all threads together read a buffer that no processor cache holds. */
static double read_bandwidth(sks_device *device) {
  enum { BYTES = 512 << 20 };
  void *buffer;
  check(sks_buffer_allocate(device, BYTES, &buffer));
  memset(buffer, 1, BYTES); /* memory never written to need not be there */
  double times[REPEATS];
  for (int i = 0; i < REPEATS; i++) times[i] = read_seconds(device, buffer, BYTES);
  sks_buffer_free(device, buffer);
  return BYTES / median(times, REPEATS);
}

static const char *argument(int argc, char **argv, int i) {
  return i < argc && strcmp(argv[i], "-") != 0 ? argv[i] : "";
}

int main(int argc, char **argv) {
  sks_device *device;
  check(sks_device_open_cpu(atoi(argument(argc, argv, 1)), NULL, &device));
  const char *name = argument(argc, argv, 2), *type_name = argument(argc, argv, 3);
  int64_t only = atoll(argument(argc, argv, 4));
  machine m = {read_bandwidth(device), fma_rate(device)};
  printf("%s, %d threads, plain read %.1f GB/s, multiply-add in registers %.0f GFLOP/s\n\n",
         sks_device_isa(device), sks_device_threads(device), m.bandwidth * 1e-9,
         m.arithmetic * 1e-9);
  printf(
      "append + attend of one token, microseconds per layer: ours, reading the keys and values, "
      "the arithmetic, the larger of the two over ours; the published way and the reference "
      "kernels, over ours\n");
  printf(
      "| shape        | type | keys |    ours |    read | compute | reached | published |  ratio | "
      "reference |\n");
  for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++)
    for (int32_t type = 0; type < SKS_KV_TYPES; type++)
      for (int64_t keys = 256; keys <= 4096; keys *= 4)
        if (strncmp(SHAPES[i].name, name, strlen(name)) == 0 &&
            strncmp(sks_type_name(type), type_name, strlen(type_name)) == 0 &&
            (only == 0 || keys == only))
          decode(device, SHAPES[i], type, keys, m);
  printf(
      "\nprefill of %d rows, per layer\n| shape        | type | keys |  time ms | GFLOP/s | "
      "of it |\n",
      PREFILL_ROWS);
  for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++)
    for (int32_t type = 0; type < SKS_KV_TYPES; type++)
      if (strncmp(SHAPES[i].name, name, strlen(name)) == 0 &&
          strncmp(sks_type_name(type), type_name, strlen(type_name)) == 0)
        prefill(device, SHAPES[i], type, 1024, m);
  sks_device_close(device);
  return 0;
}
