#include "support/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/features.h"
#include "cpu/cpu.h"

enum { MOST_THREADS = 64 };

double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

double median(double *times, int count) {
  qsort(times, (size_t)count, sizeof *times, ascending);
  return times[count / 2];
}

double median_time(void (*call)(void *argument), void *argument, int repeats) {
  double times[64];
  call(argument);
  for (int i = 0; i < repeats; i++) {
    double start = seconds();
    call(argument);
    times[i] = seconds() - start;
  }
  return median(times, repeats);
}

void check(int32_t status) {
  if (status == SKS_OK) return;
  fprintf(stderr, "%s\n", sks_last_error());
  exit(1);
}

/* Threads that run a task each; results are kept so that nothing is optimised away. */
typedef struct probe {
  sks_pool *pool;
  sks_task *task;
  int64_t tasks;
  float sums[MOST_THREADS];
} probe;

static void run_probe(void *argument) {
  probe *p = argument;
  sks_pool_run(p->pool, p->tasks, p->task, p);
}

double read_seconds(sks_device *device, const void *buffer, int64_t bytes) {
  uint64_t sum;
  double start = seconds();
  check(sks_buffer_read(device, buffer, bytes, &sum));
  return seconds() - start;
}

enum { FMA_ROUNDS = 1000000, CHAINS = 12 /* enough to hide the latency of each */ };

#if defined(__x86_64__)

#include <immintrin.h>

__attribute__((target("avx2,fma"))) static void fma_256(void *argument, int64_t index,
                                                        int32_t thread) {
  (void)index;
  probe *p = argument;
  __m256 sums[CHAINS], factor = _mm256_set1_ps(0.5f);
  for (int j = 0; j < CHAINS; j++)
    sums[j] = _mm256_set1_ps((float)j); /* alike, they would be made one */
  for (int i = 0; i < FMA_ROUNDS; i++)
#pragma GCC unroll 12
    for (int j = 0; j < CHAINS; j++) sums[j] = _mm256_fmadd_ps(sums[j], factor, factor);
  for (int j = 0; j < CHAINS; j++) p->sums[thread % MOST_THREADS] += sums[j][0];
}

__attribute__((target("avx512f"))) static void fma_512(void *argument, int64_t index,
                                                       int32_t thread) {
  (void)index;
  probe *p = argument;
  __m512 sums[CHAINS], factor = _mm512_set1_ps(0.5f);
  for (int j = 0; j < CHAINS; j++)
    sums[j] = _mm512_set1_ps((float)j); /* alike, they would be made one */
  for (int i = 0; i < FMA_ROUNDS; i++)
#pragma GCC unroll 12
    for (int j = 0; j < CHAINS; j++) sums[j] = _mm512_fmadd_ps(sums[j], factor, factor);
  for (int j = 0; j < CHAINS; j++) p->sums[thread % MOST_THREADS] += sums[j][0];
}

double fma_rate(sks_device *device) {
  sks_features has = sks_features_of_this_machine();
  if (!has.avx2) return NAN;
  probe p = {.pool = sks_cpu_of(device)->pool, .task = has.avx512 ? fma_512 : fma_256};
  p.tasks = 4 * (int64_t)sks_device_threads(device);
  double operations = 2.0 * (has.avx512 ? 16 : 8) * CHAINS * FMA_ROUNDS * (double)p.tasks;
  return operations / median_time(run_probe, &p, 15);
}

#else

double fma_rate(sks_device *device) {
  (void)device;
  return NAN;
}

#endif
