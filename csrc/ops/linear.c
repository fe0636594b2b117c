#include "ops/check.h"
#include "ops/split.h"
#include "ops/weights.h"

/* Channels of a task are a multiple of this: enough for any kernel to read its rows of x from a
 * near cache. */
enum { CHANNELS = 32 };

typedef struct linear_task {
  const sks_kernels *kernels;
  const sks_weights *weights;
  const float *x;
  int64_t rows;
  float *y;
  int32_t add;
  int64_t channels_per_task;
} linear_task;

/* Output channels [begin, end) of the stacked matrix, part by part. */
static void run_task(void *argument, int64_t index, int32_t thread) {
  (void)thread;
  const linear_task *t = argument;
  const sks_weights *w = t->weights;
  int64_t begin = index * t->channels_per_task,
          end = sks_task_end(begin, t->channels_per_task, w->rows);
  int64_t first = 0;
  for (const sks_weight_part *part = w->parts; part < w->parts + w->part_count;
       first += part->rows, part++) {
    int64_t from = begin > first ? begin : first,
            to = end < first + part->rows ? end : first + part->rows;
    if (from >= to) continue;
    t->kernels->linear[part->type](sks_weight_row(part, from - first, w->columns), to - from,
                                   w->columns, part->bias ? part->bias + (from - first) : NULL,
                                   t->x, t->rows, t->y + from, w->rows, t->add);
  }
}

int32_t sks_linear(sks_device *device, const sks_weights *weights, const float *x, int32_t rows,
                   float *y, int32_t output) {
  int32_t status = sks_require_range(rows, 0, INT32_MAX, "rows");
  if (status == SKS_OK) status = sks_require_range(output, SKS_STORE, SKS_ADD, "output");
  if (status == SKS_OK) status = sks_require_pointer(x, "x");
  if (status == SKS_OK) status = sks_require_pointer(y, "y");
  if (status != SKS_OK || rows == 0) return status;
  linear_task task = {.kernels = &device->kernels,
                      .weights = weights,
                      .x = x,
                      .rows = rows,
                      .y = y,
                      .add = output == SKS_ADD};
  task.channels_per_task =
      (sks_items_per_task(weights->columns * rows) + CHANNELS - 1) / CHANNELS * CHANNELS;
  sks_pool_run(device->pool, sks_tasks(weights->rows, task.channels_per_task), run_task, &task);
  return SKS_OK;
}
