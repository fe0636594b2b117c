/* How an operation is cut into tasks. The cuts depend on the shape only, so results do not depend
 * on the threads. */
#ifndef SINKSTREAM_CPU_SPLIT_H
#define SINKSTREAM_CPU_SPLIT_H

#include <stdint.h>

#include "core/pool.h"
#include "core/round_up.h"

/* Below this many element operations, some microseconds, a task is not worth waking a thread for.
 */
enum { SKS_TASK_WORK = 1 << 16 };

static inline int64_t sks_tasks(int64_t items, int64_t items_per_task) {
  return sks_ceil_div(items, items_per_task);
}

/* Items of equal `work` that make a task worth while, at least 1. */
static inline int64_t sks_items_per_task(int64_t work) {
  return work >= SKS_TASK_WORK ? 1 : (SKS_TASK_WORK + work - 1) / (work > 0 ? work : 1);
}

static inline int64_t sks_task_end(int64_t begin, int64_t items_per_task, int64_t items) {
  return begin + items_per_task < items ? begin + items_per_task : items;
}

/* Runs item(argument, i, thread) for i in [0, items), each of `work` element operations, as many of
 * them a task as make it worth while. */
void sks_run_each(sks_pool *pool, int64_t items, int64_t work, sks_task *item, void *argument);

#endif
