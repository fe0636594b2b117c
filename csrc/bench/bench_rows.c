/*
 * The operations that pass once over a row: norms of one row and of a chunk, and conversion from
 * and to every element type, each against a read of the same rows in float32 by all threads (of
 * rows that stay in the processor's caches, a read of these). Usage: bench_rows [threads]
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/element.h"
#include "sinkstream/convert.h"
#include "sinkstream/norm.h"
#include "sinkstream/quantize.h"
#include "support/measure.h"

enum { CHUNK = 256, MOST_QUANTIZED = 8, COLUMNS = 8192, REPEATS = 15, INNER = 20 };

typedef struct bench {
  sks_device *device;
  float *x, *y, *weight, *bias;
  void *narrow;
  int32_t rows, columns, type;
} bench;

static void rms_norm(void *argument) {
  bench *b = argument;
  sks_norm norm = {b->weight, NULL, 1e-5f, SKS_RMS_NORM};
  check(sks_normalize(b->device, &norm, b->x, b->rows, b->columns, b->y));
}

static void layer_norm(void *argument) {
  bench *b = argument;
  sks_norm norm = {b->weight, b->bias, 1e-5f, SKS_LAYER_NORM};
  check(sks_normalize(b->device, &norm, b->x, b->rows, b->columns, b->y));
}

static void quantize(void *argument) {
  bench *b = argument;
  check(sks_quantize(b->device, b->x, b->type, b->rows, b->columns, b->narrow));
}

static void widen(void *argument) {
  bench *b = argument;
  check(sks_widen(b->device, b->narrow, b->type, (int64_t)b->rows * b->columns, b->y));
}

static void read_floats(void *argument) {
  bench *b = argument;
  read_seconds(b->device, b->x, (int64_t)b->rows * b->columns * (int64_t)sizeof(float));
}

/* Calls of microseconds, timed many at once. */
typedef struct many {
  void (*call)(void *argument);
  bench *b;
} many;

static void call_many(void *argument) {
  many *m = argument;
  for (int i = 0; i < INNER; i++) m->call(m->b);
}

static double time_of(void (*call)(void *argument), bench *b) {
  many m = {call, b};
  return median_time(call_many, &m, REPEATS) / INNER;
}

static void report(const char *name, void (*call)(void *argument), bench b) {
  double took = time_of(call, &b), read = time_of(read_floats, &b);
  printf("| %-10s | %4d x %5d | %-4s | %9.2f | %7.2f | %5.1fx |\n", name, b.rows, b.columns,
         sks_type_name(b.type), 1e6 * took, 1e9 * took / ((double)b.rows * b.columns), took / read);
  fflush(stdout);
}

int main(int argc, char **argv) {
  bench b = {.columns = 2048};
  check(sks_device_open_cpu(argc > 1 ? atoi(argv[1]) : 0, NULL, &b.device));
  int64_t bytes = (int64_t)CHUNK * COLUMNS * (int64_t)sizeof(float);
  void *buffers[5];
  for (int i = 0; i < 5; i++) check(sks_buffer_allocate(b.device, bytes, &buffers[i]));
  b.x = buffers[0], b.y = buffers[1], b.weight = buffers[2], b.bias = buffers[3];
  b.narrow = buffers[4];
  for (int64_t i = 0; i < bytes / (int64_t)sizeof(float); i++)
    b.x[i] = (float)((i * 2654435761u) % 2001) / 1000 - 1;
  printf("%s, %d threads\n", sks_device_isa(b.device), sks_device_threads(b.device));
  printf("| operation  | shape        | type |   time us | ns each | read  |\n");
  for (b.columns = 2048; b.columns <= COLUMNS; b.columns *= 2) {
    for (b.rows = 1; b.rows <= CHUNK; b.rows *= CHUNK) {
      report("rms_norm", rms_norm, b);
      report("layer_norm", layer_norm, b);
    }
  }
  b.columns = COLUMNS;
  for (b.type = 0; b.type < SKS_TYPES; b.type++) {
    for (b.rows = 1; b.rows <= MOST_QUANTIZED; b.rows *= MOST_QUANTIZED) {
      report("quantize", quantize, b);
      report("widen", widen, b);
    }
  }
  for (int i = 0; i < 5; i++) sks_buffer_free(b.device, buffers[i]);
  sks_device_close(b.device);
  return 0;
}
