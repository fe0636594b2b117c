#include "sinkstream/activation.h"

#include "core/device.h"
#include "ops/check.h"
#include "ops/split.h"

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

int32_t sks_clamp(sks_device *device, float *x, int64_t count, float limit) {
  if (!(limit > 0))
    return sks_fail(SKS_INVALID_ARGUMENT, "limit is %g; expected more than 0", (double)limit);
  int32_t status = sks_require_range(count, 0, INT64_MAX / 8, "count");
  if (status == SKS_OK) status = sks_require_pointer(x, "x");
  if (status != SKS_OK) return status;
  clamp_task task = {.kernels = &device->kernels,
                     .x = x,
                     .limit = limit,
                     .count = count,
                     .per_task = sks_items_per_task(1)};
  sks_pool_run(device->pool, sks_tasks(count, task.per_task), run_task, &task);
  return SKS_OK;
}
