/*
 * The linear layer at the shapes of TinyLlama-1.1B: one row against the rate at which the machine
 * reads memory, many rows against the rate at which it multiplies and adds. Usage: bench_linear
 * [threads] [isa]
 *
 * Two Zen 4 cores, AVX-512. The floors: a plain read of the weights by both threads, 33 to 46 GB/s
 * with what others do to the memory; 233 GFLOP/s of fused multiply-adds in registers, one vector of
 * 16 per cycle and core.
 * - One row: 89 to 101 % of the plain read. Prefetching, into either cache, 0.5 to 32 KiB ahead,
 * won nothing.
 * - 128 and 512 rows: f16 and bf16 86 to 92 % of the multiply-adds, f32 76 to 84 %. What is lost:
 * the 24 sums of a tile are added up across lanes every 1,024 columns; f32 weights take twice the
 * room in the second-level cache. Widening weights once into a buffer instead of in each tile
 * gained nothing for f16 and bf16 with AVX-512.
 * - AVX2, 16 registers: f16 71, f32 67, bf16 58 % (its widening takes two instructions of the ports
 * that multiply).
 * - BF16 dot products issue as often as multiply-adds and take two products each, but exact f32
 * activations need three terms of bf16: half again slower, so they are not used.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/element.h"
#include "sinkstream/linear.h"
#include "support/measure.h"

enum {
  MOST_ROWS = 512,
  MOST_COPIES = 64,
  COPIES_BYTES = 256 << 20, /* room for the largest matrix; more than processor caches hold */
  REPEATS = 15
};

typedef struct shape {
  int64_t channels, columns;
} shape;

static const shape SHAPES[] = {{2048, 2048}, {5632, 2048}, {2048, 5632}, {32000, 2048}};
static const char *TYPE_NAMES[] = {"f32", "f16", "bf16"};

/* Enough copies of one matrix that each is read from memory, as the layers of a model are. */
typedef struct bench {
  sks_device *device;
  const char *data;
  shape shape;
  int32_t type;
  int64_t bytes; /* of one copy */
  sks_weights *copies[MOST_COPIES];
  int count;
  float *x, *y;
  int32_t rows;
} bench;

static void every_copy(bench *b) {
  for (int i = 0; i < b->count; i++)
    check(sks_linear(b->device, b->copies[i], b->x, 1, b->y, SKS_STORE));
}

static void one_copy(void *argument) {
  bench *b = argument;
  check(sks_linear(b->device, b->copies[0], b->x, b->rows, b->y, SKS_STORE));
}

/* One row, in turns with a plain read of the same bytes: other users of the memory then slow both
 * alike. */
static void one_row(bench *b) {
  double times[REPEATS], reads[REPEATS], bytes = (double)b->bytes * b->count;
  for (int i = 0; i < REPEATS; i++) {
    reads[i] = read_seconds(b->device, b->data, b->bytes * b->count);
    double start = seconds();
    every_copy(b);
    times[i] = seconds() - start;
  }
  double read = median(reads, REPEATS), took = median(times, REPEATS);
  printf(" %5.1f | %5.1f | %4.0f %% |", 1e-9 * bytes / read, 1e-9 * bytes / took,
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
    sks_weight_part part = {b.data + at, NULL, b.shape.channels, b.type, 0};
    check(sks_weights_create(b.device, b.shape.columns, &part, 1, &b.copies[b.count]));
  }
  printf("| %5lld x %4lld | %-4s |", (long long)b.shape.channels, (long long)b.shape.columns,
         TYPE_NAMES[b.type]);
  one_row(&b);
  many_rows(&b);
  printf("\n");
  fflush(stdout);
  for (int i = 0; i < b.count; i++) sks_weights_destroy(b.copies[i]);
}

int main(int argc, char **argv) {
  sks_device *device;
  void *data, *x, *y;
  check(sks_device_open_cpu(argc > 1 ? atoi(argv[1]) : 0, argc > 2 ? argv[2] : NULL, &device));
  check(sks_buffer_allocate(device, COPIES_BYTES, &data));
  check(sks_buffer_allocate(device, MOST_ROWS * 5632 * 4, &x));
  check(sks_buffer_allocate(device, MOST_ROWS * 32000 * 4, &y));
  memset(data, 0x3c, COPIES_BYTES); /* a normal number of every type */
  for (int64_t i = 0; i < MOST_ROWS * 5632; i++) ((float *)x)[i] = (float)(i % 1000) / 1000;

  printf(
      "%s, %d threads. GB/s: a plain read, one row. GFLOP/s: multiply-add in registers, 128 and "
      "512 rows.\n",
      sks_device_isa(device), sks_device_threads(device));
  printf(
      "| matrix       | type |  read | 1 row | of it  |   fma |   128 | of it  |   512 | of it  "
      "|\n");
  for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
    for (int32_t type = 0; type < SKS_FLOAT_TYPES; type++) {
      measure((bench){.device = device,
                      .data = data,
                      .shape = SHAPES[i],
                      .type = type,
                      .bytes = SHAPES[i].channels * SHAPES[i].columns * sks_element_bytes(type),
                      .x = x,
                      .y = y});
    }
  }
  sks_buffer_free(device, data);
  sks_buffer_free(device, x);
  sks_buffer_free(device, y);
  sks_device_close(device);
  return 0;
}
