/* The thread pool: every task once, its writes seen by the caller; many short runs, many callers,
 * more threads than cores. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/memory.h"
#include "core/pool.h"
#include "sinkstream/device.h"
#include "support/check.h"
#include "support/rng.h"

enum { MOST_TASKS = 500 };

/* Plain memory: a race on it, or a write not seen, is what the thread sanitizer looks for. */
typedef struct run_record {
  int32_t threads;
  int64_t times[MOST_TASKS];
  _Atomic bool out_of_range;
} run_record;

static void count_task(void *argument, int64_t index, int32_t thread) {
  run_record *record = argument;
  record->times[index]++;
  if (thread < 0 || thread >= record->threads) atomic_store(&record->out_of_range, true);
}

static void run_and_check(sks_pool *pool, int64_t tasks) {
  run_record record = {.threads = sks_pool_threads(pool)};
  sks_pool_run(pool, tasks, count_task, &record);
  bool once = true;
  for (int64_t i = 0; i < MOST_TASKS; i++) once &= record.times[i] == (i < tasks);
  CHECK(once, "%lld tasks: not each of them once", (long long)tasks);
  CHECK(!record.out_of_range, "a thread number out of range");
}

static void pause_microseconds(int64_t microseconds) {
  nanosleep(&(struct timespec){0, microseconds * 1000}, NULL);
}

/* Runs back to back, and after pauses as long as workers spin, when they are about to sleep, and
 * longer. */
static void test_runs(int32_t threads, uint64_t seed) {
  sks_pool *pool;
  CHECK(sks_pool_create(threads, &pool) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_pool_threads(pool) == threads, "%d", (int)sks_pool_threads(pool));
  for (int64_t i = 0; i < check_effort(3000); i++) {
    run_and_check(pool, rng_below(&seed, rng_below(&seed, 4) ? 9 : MOST_TASKS));
    if (i % 8 == 0) pause_microseconds(rng_below(&seed, 150));
  }
  sks_pool_destroy(pool);
}

/* Few tasks, then many, at once: a thread late for the first run must not take its next number for
 * one of the second. */
static void test_late_threads(void) {
  sks_pool *pool;
  CHECK(sks_pool_create(16, &pool) == SKS_OK, "%s", sks_last_error());
  for (int64_t i = 0; i < check_effort(20000); i++) run_and_check(pool, i % 2 ? 300 : 2);
  sks_pool_destroy(pool);
}

/* A scratch place per thread is used by one task at a time within a run. */
typedef struct scratch {
  _Atomic int32_t users[8];
  _Atomic bool shared;
} scratch;

static void use_scratch(void *argument, int64_t index, int32_t thread) {
  scratch *s = argument;
  if (atomic_fetch_add(&s->users[thread], 1) != 0) atomic_store(&s->shared, true);
  if (index % 16 == 0) pause_microseconds(50);
  atomic_fetch_sub(&s->users[thread], 1);
}

static void test_thread_numbers(void) {
  sks_pool *pool;
  scratch s = {0};
  CHECK(sks_pool_create(8, &pool) == SKS_OK, "%s", sks_last_error());
  for (int i = 0; i < 20; i++) sks_pool_run(pool, 200, use_scratch, &s);
  CHECK(!s.shared, "two tasks had one thread number at a time");
  sks_pool_destroy(pool);
}

/* Who runs the tasks, seen by thread. */
typedef struct participants {
  pthread_mutex_t mutex;
  pthread_t seen[8];
  bool ran[8];
} participants;

static void take_part(void *argument, int64_t index, int32_t thread) {
  (void)index;
  participants *p = argument;
  pthread_mutex_lock(&p->mutex);
  p->seen[thread] = pthread_self();
  p->ran[thread] = true;
  pthread_mutex_unlock(&p->mutex);
  pause_microseconds(200);
}

/* With tasks that wait all threads get some, the caller among them, under number 0. */
static void test_everybody_works(void) {
  sks_pool *pool;
  CHECK(sks_pool_create(4, &pool) == SKS_OK, "%s", sks_last_error());
  pause_microseconds(20000); /* all asleep */
  participants p = {.mutex = PTHREAD_MUTEX_INITIALIZER};
  sks_pool_run(pool, 400, take_part, &p);
  for (int i = 0; i < 4; i++) {
    CHECK(p.ran[i], "thread %d had no task", i);
    for (int j = 0; j < i; j++)
      CHECK(!pthread_equal(p.seen[i], p.seen[j]), "threads %d and %d are one", i, j);
  }
  CHECK(pthread_equal(p.seen[0], pthread_self()), "the caller is not thread 0");
  sks_pool_destroy(pool);

  participants alone = {.mutex = PTHREAD_MUTEX_INITIALIZER};
  CHECK(sks_pool_create(1, &pool) == SKS_OK, "%s", sks_last_error());
  sks_pool_run(pool, 20, take_part, &alone);
  CHECK(alone.ran[0] && pthread_equal(alone.seen[0], pthread_self()),
        "a pool of one is not its caller");
  sks_pool_destroy(pool);
}

static void *call_often(void *argument) {
  sks_pool *pool = argument;
  uint64_t seed = 7;
  for (int64_t i = 0; i < check_effort(1000); i++) run_and_check(pool, rng_below(&seed, 40));
  return NULL;
}

static void test_concurrent_callers(void) {
  sks_pool *pool;
  pthread_t callers[4];
  CHECK(sks_pool_create(3, &pool) == SKS_OK, "%s", sks_last_error());
  for (int i = 0; i < 4; i++) pthread_create(&callers[i], NULL, call_often, pool);
  for (int i = 0; i < 4; i++) pthread_join(callers[i], NULL);
  sks_pool_destroy(pool);
}

/* Threads are ended while they spin, while they sleep, and before they ever had work; memory is
 * given back. */
static void test_create_and_destroy(void) {
  int64_t bytes = sks_allocated_bytes();
  for (int64_t i = 0; i < check_effort(200); i++) {
    sks_pool *pool;
    CHECK(sks_pool_create(1 + (int32_t)(i % 5), &pool) == SKS_OK, "%s", sks_last_error());
    if (i % 3) run_and_check(pool, 20);
    if (i % 7 == 0) pause_microseconds(1000);
    sks_pool_destroy(pool);
  }
  sks_pool_destroy(NULL);
  CHECK(sks_allocated_bytes() == bytes, "%lld bytes left",
        (long long)(sks_allocated_bytes() - bytes));
}

int main(int argc, char **argv) {
  uint64_t seed = rng_seed(argc, argv);
  for (int32_t threads = 1; threads <= 3; threads++) test_runs(threads, seed);
  test_runs(16, seed);
  test_late_threads();
  test_thread_numbers();
  test_everybody_works();
  test_concurrent_callers();
  test_create_and_destroy();
  return check_report();
}
