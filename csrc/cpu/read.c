#include <stdatomic.h>
#include <string.h>

#include "cpu/cpu.h"
#include "cpu/split.h"

enum {
  TASK_BYTES = 1 << 18, /* some microseconds, and whole pages */
  CHAINS = 8            /* sums at a time, so that none is waited for */
};

/* Two words at a time: on the machines tried, loads of 16 bytes stream faster than wider ones. */
typedef uint64_t words __attribute__((vector_size(16), aligned(1)));

typedef struct read_task {
  const char *buffer;
  int64_t bytes;
  _Atomic uint64_t sum;
} read_task;

static uint64_t sum_of(const char *from, int64_t bytes) {
  words sums[CHAINS] = {{0}};
  int64_t at = 0;
  for (; at + (int64_t)sizeof sums <= bytes; at += (int64_t)sizeof sums) {
#pragma GCC unroll 8
    for (int i = 0; i < CHAINS; i++) sums[i] += ((const words *)(from + at))[i];
  }
  uint64_t sum = 0;
  for (int i = 0; i < CHAINS; i++) sum += sums[i][0] + sums[i][1];
  for (; at < bytes; at += (int64_t)sizeof(uint64_t)) {
    uint64_t word = 0;
    size_t left = (size_t)(bytes - at);
    memcpy(&word, from + at, left < sizeof word ? left : sizeof word);
    sum += word;
  }
  return sum;
}

static void run_task(void *argument, int64_t index, int32_t thread) {
  (void)thread;
  read_task *t = argument;
  int64_t begin = index * TASK_BYTES;
  atomic_fetch_add(&t->sum,
                   sum_of(t->buffer + begin, sks_task_end(begin, TASK_BYTES, t->bytes) - begin));
}

int32_t sks_cpu_buffer_read(sks_device *device, const void *buffer, int64_t bytes, uint64_t *sum) {
  read_task task = {.buffer = buffer, .bytes = bytes};
  sks_pool_run(sks_cpu_of(device)->pool, bytes / TASK_BYTES + (bytes % TASK_BYTES != 0), run_task,
               &task);
  *sum = atomic_load(&task.sum);
  return SKS_OK;
}
