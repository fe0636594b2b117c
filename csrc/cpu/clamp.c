#include "cpu/cpu.h"
#include "cpu/split.h"

typedef struct clamp_task {
  const sks_kernels *kernels;
  float *x;
  float limit;
  int64_t count, per_task;
} clamp_task;

static void run_task(void *argument, int64_t index, int32_t thread) {
  (void)thread;
  const clamp_task *t = argument;
  int64_t begin = index * t->per_task;
  t->kernels->clamp(t->x + begin, sks_task_end(begin, t->per_task, t->count) - begin, t->limit);
}

int32_t sks_cpu_clamp(sks_device *device, float *x, int64_t count, float limit) {
  sks_cpu *cpu = sks_cpu_of(device);
  clamp_task task = {.kernels = &cpu->kernels,
                     .x = x,
                     .limit = limit,
                     .count = count,
                     .per_task = sks_items_per_task(1)};
  sks_pool_run(cpu->pool, sks_tasks(count, task.per_task), run_task, &task);
  return SKS_OK;
}
