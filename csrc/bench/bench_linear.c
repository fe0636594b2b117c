/*
 * The linear layer at the shapes of TinyLlama-1.1B: one row against the rate at which the machine
 * reads memory, many rows against the rate at which it multiplies and adds float32. Usage:
 * bench_linear [threads] [isa]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/element.h"
#include "core/panel.h"
#include "sinkstream/linear.h"
#include "support/measure.h"

enum {
  MOST_ROWS = 512,
  MOST_COLUMNS = 5632,
  MOST_CHANNELS = 32000,
  MOST_COPIES = 64,
  COPIES_BYTES = 256 << 20, /* room for the largest matrix; more than processor caches hold */
  REPEATS = 15
};

typedef struct shape {
  int64_t channels, columns;
} shape;

static const shape SHAPES[] = {
    {2560, 2048}, {2048, 2048}, {11264, 2048}, {2048, 5632}, {32000, 2048}};

/* Enough copies of one matrix that each is read from memory, as the layers of a model are. */
typedef struct bench {
  sks_device *device;
  sks_workspace *workspace;
  const char *data;
  shape shape;
  int32_t type, packed;
  int64_t bytes; /* of one copy */
  sks_weights *copies[MOST_COPIES];
  int count;
  float *x, *y;
  int32_t rows;
} bench;

static void every_copy(bench *b) {
  for (int i = 0; i < b->count; i++)
    check(sks_linear(b->workspace, b->copies[i], NULL, b->x, 1, b->y, SKS_STORE));
}

static void one_copy(void *argument) {
  bench *b = argument;
  check(sks_linear(b->workspace, b->copies[0], NULL, b->x, b->rows, b->y, SKS_STORE));
}

/* One row, in turns with a plain read of as many bytes: other users of the memory then slow both
 * alike. */
static void one_row(bench *b) {
  double times[REPEATS], reads[REPEATS];
  int64_t bytes = 0;
  for (int i = 0; i < b->count; i++) bytes += sks_weights_bytes(b->copies[i]);
  int64_t read_bytes = bytes < COPIES_BYTES ? bytes / 64 * 64 : COPIES_BYTES;
  for (int i = 0; i < REPEATS; i++) {
    reads[i] = read_seconds(b->device, b->data, read_bytes) * (double)bytes / (double)read_bytes;
    double start = seconds();
    every_copy(b);
    times[i] = seconds() - start;
  }
  double read = median(reads, REPEATS), took = median(times, REPEATS);
  printf(" %5.1f | %5.1f | %4.0f %% |", 1e-9 * (double)bytes / read, 1e-9 * (double)bytes / took,
         100 * read / took);
}

static void many_rows(bench *b) {
  double fma = fma_rate(b->device);
  printf(" %5.0f |", fma * 1e-9);
  for (b->rows = 128; b->rows <= MOST_ROWS; b->rows *= 4) {
    double rate = 2.0 * (double)(b->shape.channels * b->shape.columns) * b->rows /
                  median_time(one_copy, b, 5);
    printf(" %5.0f | %4.0f %% |", rate * 1e-9, 100 * rate / fma);
  }
}

static void measure(bench b) {
  for (int64_t at = 0; b.count < MOST_COPIES && at + b.bytes <= COPIES_BYTES;
       at += b.bytes, b.count++) {
    sks_weight_part part = {b.data + at, NULL, b.shape.channels, b.type, b.packed};
    check(sks_weights_create(b.device, b.shape.columns, &part, 1, &b.copies[b.count]));
  }
  printf("| %5lld x %4lld | %-4s | %-6s |", (long long)b.shape.channels, (long long)b.shape.columns,
         sks_type_name(b.type), b.packed ? "packed" : "stored");
  one_row(&b);
  many_rows(&b);
  printf("\n");
  fflush(stdout);
  for (int i = 0; i < b.count; i++) sks_weights_destroy(b.copies[i]);
}

int main(int argc, char **argv) {
  sks_device *device;
  sks_workspace *workspace;
  void *data, *x, *y;
  check(sks_device_open_cpu(argc > 1 ? atoi(argv[1]) : 0, argc > 2 ? argv[2] : NULL, &device));
  check(sks_workspace_create(device, MOST_ROWS, MOST_COLUMNS, &workspace));
  check(sks_buffer_allocate(device, COPIES_BYTES, &data));
  check(sks_buffer_allocate(device, MOST_ROWS * MOST_COLUMNS * 4, &x));
  check(sks_buffer_allocate(device, (int64_t)MOST_ROWS * MOST_CHANNELS * 4, &y));
  memset(data, 0x3c, COPIES_BYTES); /* a normal number of every type */
  for (int64_t i = 0; i < MOST_ROWS * MOST_COLUMNS; i++) ((float *)x)[i] = (float)(i % 1000) / 1000;

  printf(
      "%s, %d threads. GB/s: a plain read, one row. GFLOP/s: multiply-add in registers, 128 and "
      "512 rows.\n",
      sks_device_isa(device), sks_device_threads(device));
  printf(
      "| matrix       | type | kept   |  read | 1 row | of it  |   fma |   128 | of it  |   512 | "
      "of "
      "it  |\n");
  const char *only = getenv("BENCH_SHAPE");
  for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
    if (only && (size_t)atoi(only) != i) continue;
    for (int32_t type = 0; type < SKS_TYPES; type++) {
      for (int32_t packed = 0; packed <= (sks_packs(type) ? 1 : 0); packed++) {
        measure((bench){.device = device,
                        .workspace = workspace,
                        .data = data,
                        .shape = SHAPES[i],
                        .type = type,
                        .packed = packed,
                        .bytes = sks_bytes_of(type, SHAPES[i].channels * SHAPES[i].columns),
                        .x = x,
                        .y = y});
      }
    }
  }
  sks_buffer_free(device, data);
  sks_buffer_free(device, x);
  sks_buffer_free(device, y);
  sks_workspace_destroy(workspace);
  sks_device_close(device);
  return 0;
}
