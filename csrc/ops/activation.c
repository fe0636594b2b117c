#include "sinkstream/activation.h"

#include <math.h>

#include "core/device.h"
#include "ops/check.h"
#include "ops/split.h"

typedef struct elements_task {
  const sks_kernels *kernels;
  void (*run)(const struct elements_task *task, int64_t begin, int64_t count);
  const float *x;
  float *y;
  float limit;
  int64_t columns; /* of silu_gate, whose rows are elements of their own */
  int64_t count, per_task;
} elements_task;

static void run_task(void *argument, int64_t index, int32_t thread) {
  (void)thread;
  const elements_task *t = argument;
  int64_t begin = index * t->per_task;
  t->run(t, begin, sks_task_end(begin, t->per_task, t->count) - begin);
}

static int32_t run(sks_device *device, elements_task t, int64_t work) {
  int32_t status = sks_require_range(t.count, 0, INT64_MAX / 8, "count");
  if (status == SKS_OK) status = sks_require_pointer(t.x, "x");
  if (status == SKS_OK) status = sks_require_pointer(t.y, "y");
  if (status != SKS_OK) return status;
  t.kernels = &device->kernels;
  t.per_task = sks_items_per_task(work);
  sks_pool_run(device->pool, sks_tasks(t.count, t.per_task), run_task, &t);
  return SKS_OK;
}

static void silu_gate_rows(const elements_task *t, int64_t begin, int64_t count) {
  for (int64_t r = begin; r < begin + count; r++) {
    const float *gate = t->x + r * 2 * t->columns;
    t->kernels->silu_gate(gate, gate + t->columns, t->columns, t->y + r * t->columns);
  }
}

static void gelu_exact_elements(const elements_task *t, int64_t begin, int64_t count) {
  t->kernels->gelu_exact(t->y + begin, count);
}

static void gelu_tanh_elements(const elements_task *t, int64_t begin, int64_t count) {
  t->kernels->gelu_tanh(t->y + begin, count);
}

static void clamp_elements(const elements_task *t, int64_t begin, int64_t count) {
  t->kernels->clamp(t->y + begin, count, t->limit);
}

static void add_elements(const elements_task *t, int64_t begin, int64_t count) {
  t->kernels->add(t->x + begin, count, t->y + begin);
}

/* What an element costs, in additions. */
enum { EXP_WORK = 16, ADD_WORK = 1 };

int32_t sks_silu_gate(sks_device *device, const float *x, int32_t rows, int32_t columns, float *y) {
  int32_t status = sks_require_range(columns, 1, INT32_MAX / 2, "columns");
  if (status != SKS_OK) return status;
  return run(
      device,
      (elements_task){.run = silu_gate_rows, .x = x, .y = y, .columns = columns, .count = rows},
      (int64_t)EXP_WORK * columns);
}

int32_t sks_gelu(sks_device *device, float *x, int64_t count, int32_t kind) {
  int32_t status = sks_require_range(kind, SKS_GELU_EXACT, SKS_GELU_TANH, "GELU kind");
  if (status != SKS_OK) return status;
  return run(
      device,
      (elements_task){.run = kind == SKS_GELU_EXACT ? gelu_exact_elements : gelu_tanh_elements,
                      .x = x,
                      .y = x,
                      .count = count},
      EXP_WORK);
}

int32_t sks_clamp(sks_device *device, float *x, int64_t count, float limit) {
  if (!(limit > 0))
    return sks_fail(SKS_INVALID_ARGUMENT, "limit is %g; expected more than 0", (double)limit);
  return run(device,
             (elements_task){.run = clamp_elements, .x = x, .y = x, .limit = limit, .count = count},
             ADD_WORK);
}

int32_t sks_add(sks_device *device, const float *x, int64_t count, float *y) {
  return run(device, (elements_task){.run = add_elements, .x = x, .y = y, .count = count},
             ADD_WORK);
}
