#include "cpu/norm.h"

#include "cpu/cpu.h"
#include "cpu/split.h"

void sks_norm_row(const sks_kernels *kernels, const sks_norm *norm, const float *x, int64_t columns,
                  float *y) {
  if (norm->kind == SKS_RMS_NORM) {
    kernels->rms_norm(x, columns, norm->weight, norm->epsilon, y);
  } else {
    kernels->layer_norm(x, columns, norm->weight, norm->bias, norm->epsilon, y);
  }
}

typedef struct norm_task {
  const sks_kernels *kernels;
  const sks_norm *norm;
  const float *x;
  float *y;
  int64_t rows, columns, rows_per_task;
} norm_task;

static void run_task(void *argument, int64_t index, int32_t thread) {
  (void)thread;
  const norm_task *t = argument;
  int64_t begin = index * t->rows_per_task;
  for (int64_t r = begin; r < sks_task_end(begin, t->rows_per_task, t->rows); r++)
    sks_norm_row(t->kernels, t->norm, t->x + r * t->columns, t->columns, t->y + r * t->columns);
}

int32_t sks_cpu_normalize(sks_device *device, const sks_norm *norm, const float *x, int32_t rows,
                          int32_t columns, float *y) {
  sks_cpu *cpu = sks_cpu_of(device);
  norm_task task = {.kernels = &cpu->kernels,
                    .norm = norm,
                    .x = x,
                    .y = y,
                    .rows = rows,
                    .columns = columns,
                    .rows_per_task = sks_items_per_task(columns)};
  sks_pool_run(cpu->pool, sks_tasks(rows, task.rows_per_task), run_task, &task);
  return SKS_OK;
}
