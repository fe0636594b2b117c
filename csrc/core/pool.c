#include "core/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "core/fail.h"
#include "core/memory.h"
#include "core/pause.h"

/* About 50 microseconds: longer than the gaps within a token, shorter than a scheduler would
 * notice. */
#define SPINS 2000

/*
 * Every thread has a share of a run's tasks, one range: what it reads is one stretch of memory, and
 * the processor fetches ahead in it. With its share done it helps the others, from the end of
 * theirs, so that their stretches stay whole. A share's ticket is the number of the run, how many
 * tasks were taken from the share's end and how many from its beginning. A task is claimed by
 * moving the ticket on, which fails once the run is over: a worker that slept through a run can
 * neither take part in it late nor hold anybody up. Between runs both counts are CLOSED, so that
 * nobody claims with half of a new run's description.
 */
typedef uint64_t ticket;

#define COUNT_BITS 20
#define MOST_TASKS ((int64_t)1 << COUNT_BITS) /* of a share, less one */
#define TAKEN_FIRST ((ticket)1)
#define TAKEN_LAST ((ticket)1 << COUNT_BITS)
#define CLOSED (((ticket)1 << 2 * COUNT_BITS) - 1)

typedef struct worker {
  _Alignas(64) _Atomic ticket next;
  struct sks_pool *pool;
  pthread_t thread;
  int32_t index;
} worker;

struct sks_pool {
  _Alignas(64) _Atomic uint32_t run;
  _Alignas(64) _Atomic int64_t done;
  _Alignas(64) _Atomic(sks_task *) task;
  _Atomic(void *) argument;
  _Atomic int64_t tasks;
  atomic_flag busy;
  _Atomic bool stopping;
  _Atomic int32_t sleepers;
  pthread_mutex_t mutex;
  pthread_cond_t work;
  int32_t threads;
  int32_t started;
  worker *workers; /* [threads]; the first is whoever calls sks_pool_run */
};

static ticket start_of(uint32_t run) { return (ticket)run << 2 * COUNT_BITS; }

static int64_t first_taken(ticket t) { return (int64_t)t & (MOST_TASKS - 1); }

static int64_t last_taken(ticket t) { return (int64_t)(t >> COUNT_BITS) & (MOST_TASKS - 1); }

static int64_t share_begin(const sks_pool *pool, int64_t tasks, int32_t share) {
  return tasks * share / pool->threads;
}

/* Does tasks of the run until it has none left, those of the thread's own share first. */
static void work(sks_pool *pool, uint32_t run, int32_t thread) {
  /* Not older than the run; a claim that succeeds proves that they are not newer either. */
  sks_task *task = atomic_load(&pool->task);
  void *argument = atomic_load(&pool->argument);
  int64_t tasks = atomic_load(&pool->tasks), finished = 0;
  for (int32_t i = 0; i < pool->threads; i++) {
    int32_t share = (thread + i) % pool->threads;
    int64_t begin = share_begin(pool, tasks, share), end = share_begin(pool, tasks, share + 1);
    _Atomic ticket *next = &pool->workers[share].next;
    ticket seen = atomic_load(next);
    while ((seen & ~CLOSED) == start_of(run) &&
           first_taken(seen) + last_taken(seen) < end - begin) {
      if (atomic_compare_exchange_weak(next, &seen, seen + (i == 0 ? TAKEN_FIRST : TAKEN_LAST))) {
        task(argument, i == 0 ? begin + first_taken(seen) : end - 1 - last_taken(seen), thread);
        finished++;
        seen = atomic_load(next);
      }
    }
  }
  if (finished > 0) atomic_fetch_add_explicit(&pool->done, finished, memory_order_release);
}

static uint32_t wait_for_run(sks_pool *pool, uint32_t last) {
  uint32_t run = atomic_load(&pool->run);
  for (int i = 0; i < SPINS && run == last; i++) {
    sks_pause();
    run = atomic_load(&pool->run);
  }
  if (run == last) {
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while ((run = atomic_load(&pool->run)) == last) pthread_cond_wait(&pool->work, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
  }
  return run;
}

static void *worker_main(void *argument) {
  worker *self = argument;
  sks_pool *pool = self->pool;
  char name[16];
  snprintf(name, sizeof name, "sinkstream-%d", (int)self->index);
  pthread_setname_np(pthread_self(), name);
  uint32_t last = 0;
  for (;;) {
    last = wait_for_run(pool, last);
    if (atomic_load(&pool->stopping)) return NULL;
    work(pool, last, self->index);
  }
}

static void close_run(sks_pool *pool) {
  for (int32_t i = 0; i < pool->threads; i++) atomic_fetch_or(&pool->workers[i].next, CLOSED);
}

/* Makes a new run of the pool's tasks current, and returns its number. */
static uint32_t start_run(sks_pool *pool) {
  uint32_t run = atomic_load(&pool->run) + 1;
  for (int32_t i = 0; i < pool->threads; i++) atomic_store(&pool->workers[i].next, start_of(run));
  atomic_store(&pool->run, run);
  if (atomic_load(&pool->sleepers) > 0) {
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
  }
  return run;
}

int32_t sks_pool_create(int32_t threads, sks_pool **pool) {
  sks_pool *made = sks_memory_allocate(sizeof *made, "thread pool");
  worker *workers = sks_memory_allocate((int64_t)sizeof *workers * threads, "thread pool");
  if (made == NULL || workers == NULL) {
    sks_memory_free(made);
    sks_memory_free(workers);
    return SKS_OUT_OF_MEMORY;
  }
  made->threads = threads;
  made->workers = workers;
  pthread_mutex_init(&made->mutex, NULL);
  pthread_cond_init(&made->work, NULL);
  for (int32_t i = 1; i < threads; i++) {
    workers[i].pool = made;
    workers[i].index = i;
    if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) != 0) {
      int32_t running = made->started + 1;
      sks_pool_destroy(made);
      return sks_fail(SKS_OUT_OF_MEMORY, "the system gives this process %d of %d threads",
                      (int)running, (int)threads);
    }
    made->started = i;
  }
  *pool = made;
  return SKS_OK;
}

void sks_pool_destroy(sks_pool *pool) {
  if (pool == NULL) {
    return;
  }
  close_run(pool);
  atomic_store(&pool->tasks, 0);
  atomic_store(&pool->stopping, true);
  start_run(pool);
  for (int32_t i = 1; i <= pool->started; i++) {
    pthread_join(pool->workers[i].thread, NULL);
  }
  pthread_cond_destroy(&pool->work);
  pthread_mutex_destroy(&pool->mutex);
  sks_memory_free(pool->workers);
  sks_memory_free(pool);
}

int32_t sks_pool_threads(const sks_pool *pool) { return pool->threads; }

void sks_pool_run(sks_pool *pool, int64_t tasks, sks_task *task, void *argument) {
  bool alone = tasks <= 1 || tasks / pool->threads >= MOST_TASKS - 1 || pool->threads == 1 ||
               atomic_flag_test_and_set_explicit(&pool->busy, memory_order_acquire);
  if (alone) {
    for (int64_t i = 0; i < tasks; i++) {
      task(argument, i, 0);
    }
    return;
  }
  close_run(pool);
  atomic_store(&pool->task, task);
  atomic_store(&pool->argument, argument);
  atomic_store(&pool->tasks, tasks);
  atomic_store(&pool->done, 0);
  work(pool, start_run(pool), 0);
  for (int spins = 0; atomic_load_explicit(&pool->done, memory_order_acquire) < tasks; spins++) {
    if (spins < SPINS) {
      sks_pause();
    } else {
      sched_yield(); /* a worker lost its core: it may have this one */
    }
  }
  atomic_flag_clear_explicit(&pool->busy, memory_order_release);
}
