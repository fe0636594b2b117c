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
  int64_t columns;
} norm_task;

static void run_row(void *argument, int64_t row, int32_t thread) {
  (void)thread;
  const norm_task *t = argument;
  int64_t at = row * t->columns;
  sks_norm_row(t->kernels, t->norm, t->x + at, t->columns, t->y + at);
}

int32_t sks_cpu_normalize(sks_device *device, const sks_norm *norm, const float *x, int32_t rows,
                          int32_t columns, float *y) {
  sks_cpu *cpu = sks_cpu_of(device);
  norm_task task = {.kernels = &cpu->kernels, .norm = norm, .x = x, .y = y, .columns = columns};
  sks_run_each(cpu->pool, rows, columns, run_row, &task);
  return SKS_OK;
}
