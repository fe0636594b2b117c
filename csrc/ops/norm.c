#include "sinkstream/norm.h"

#include "core/device.h"
#include "ops/check.h"
#include "ops/split.h"

typedef struct norm_task {
  const sks_kernels *kernels;
  const float *x;
  const float *weight;
  const float *bias;
  float epsilon;
  float *y;
  int64_t rows, columns, rows_per_task;
} norm_task;

static void rms_rows(void *argument, int64_t index, int32_t thread) {
  (void)thread;
  const norm_task *t = argument;
  int64_t begin = index * t->rows_per_task;
  for (int64_t r = begin; r < sks_task_end(begin, t->rows_per_task, t->rows); r++)
    t->kernels->rms_norm(t->x + r * t->columns, t->columns, t->weight, t->epsilon,
                         t->y + r * t->columns);
}

static void layer_rows(void *argument, int64_t index, int32_t thread) {
  (void)thread;
  const norm_task *t = argument;
  int64_t begin = index * t->rows_per_task;
  for (int64_t r = begin; r < sks_task_end(begin, t->rows_per_task, t->rows); r++)
    t->kernels->layer_norm(t->x + r * t->columns, t->columns, t->weight, t->bias, t->epsilon,
                           t->y + r * t->columns);
}

static int32_t run(sks_device *device, sks_task *rows_of_task, norm_task t) {
  int32_t status = sks_require_range(t.rows, 0, INT32_MAX, "rows");
  if (status == SKS_OK) status = sks_require_range(t.columns, 1, INT32_MAX, "columns");
  if (status == SKS_OK) status = sks_require_pointer(t.x, "x");
  if (status == SKS_OK) status = sks_require_pointer(t.weight, "weight");
  if (status == SKS_OK) status = sks_require_pointer(t.y, "y");
  if (status != SKS_OK) return status;
  t.kernels = &device->kernels;
  t.rows_per_task = sks_items_per_task(t.columns);
  sks_pool_run(device->pool, sks_tasks(t.rows, t.rows_per_task), rows_of_task, &t);
  return SKS_OK;
}

int32_t sks_rms_norm(sks_device *device, const float *x, int32_t rows, int32_t columns,
                     const float *weight, float epsilon, float *y) {
  return run(
      device, rms_rows,
      (norm_task){
          .x = x, .weight = weight, .epsilon = epsilon, .y = y, .rows = rows, .columns = columns});
}

int32_t sks_layer_norm(sks_device *device, const float *x, int32_t rows, int32_t columns,
                       const float *weight, const float *bias, float epsilon, float *y) {
  return run(device, layer_rows,
             (norm_task){.x = x,
                         .weight = weight,
                         .bias = bias,
                         .epsilon = epsilon,
                         .y = y,
                         .rows = rows,
                         .columns = columns});
}
