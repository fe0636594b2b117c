#include "cpu/split.h"

typedef struct each {
  sks_task *item;
  void *argument;
  int64_t items, items_per_task;
} each;

static void run_items(void *argument, int64_t index, int32_t thread) {
  const each *e = argument;
  int64_t begin = index * e->items_per_task;
  for (int64_t i = begin; i < sks_task_end(begin, e->items_per_task, e->items); i++)
    e->item(e->argument, i, thread);
}

void sks_run_each(sks_pool *pool, int64_t items, int64_t work, sks_task *item, void *argument) {
  each e = {item, argument, items, sks_items_per_task(work)};
  sks_pool_run(pool, sks_tasks(items, e.items_per_task), run_items, &e);
}
