/* Persistent threads that run the tasks of one operation at a time. They spin briefly for work,
 * then sleep. */
#ifndef SINKSTREAM_CORE_POOL_H
#define SINKSTREAM_CORE_POOL_H

#include <stdint.h>

typedef struct sks_pool sks_pool;

/* One of `tasks` independent tasks. `thread` is 0..threads-1, for scratch memory per thread. */
typedef void sks_task(void *argument, int64_t index, int32_t thread);

/* `threads` >= 1 counts the caller of sks_pool_run. */
int32_t sks_pool_create(int32_t threads, sks_pool **pool);
void sks_pool_destroy(sks_pool *pool);
int32_t sks_pool_threads(const sks_pool *pool);

/*
 * Runs task(argument, i, thread) for i in [0, tasks) and returns when all are done; what they wrote
 * is visible to the caller. Each thread takes the tasks of one range in order, then, one by one
 * from the end, what others have left: neighbouring tasks share memory, and a thread that lost its
 * core delays no more than its own task. While another thread runs the pool, the caller does all
 * its tasks itself, as thread 0... of its own.
 */
void sks_pool_run(sks_pool *pool, int64_t tasks, sks_task *task, void *argument);

#endif
