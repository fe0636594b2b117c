#include <float.h>
#include <math.h>
#include <stdatomic.h>

#include "core/element.h"
#include "core/fail.h"
#include "cpu/cpu.h"
#include "cpu/split.h"

/* Element operations that the search for one value's scale takes, about. */
enum { SEARCH_WORK = 64 };

typedef struct quantize_task {
  void (*narrow)(const float *source, int64_t count, void *target);
  const float *source;
  char *target;
  int64_t columns, row_bytes;
  float most;                  /* the largest magnitude that the type holds */
  _Atomic int64_t first_wrong; /* the first element that it does not, or rows * columns */
} quantize_task;

static float most_of(int32_t type) {
  if (type == SKS_F32) return FLT_MAX;
  return type == SKS_BF16 ? 0x1.fep127f : 65504.0f;
}

static void check_row(void *argument, int64_t row, int32_t thread) {
  (void)thread;
  quantize_task *t = argument;
  int64_t end = (row + 1) * t->columns;
  for (int64_t i = row * t->columns; i < end; i++) {
    if (!(fabsf(t->source[i]) <= t->most)) {
      int64_t first = atomic_load(&t->first_wrong);
      while (i < first && !atomic_compare_exchange_weak(&t->first_wrong, &first, i)) {
      }
      return;
    }
  }
}

static void narrow_row(void *argument, int64_t row, int32_t thread) {
  (void)thread;
  const quantize_task *t = argument;
  t->narrow(t->source + row * t->columns, t->columns, t->target + row * t->row_bytes);
}

int32_t sks_cpu_quantize(sks_device *device, const float *source, int32_t type, int64_t rows,
                         int64_t columns, void *target) {
  sks_cpu *cpu = sks_cpu_of(device);
  quantize_task task = {.narrow = cpu->kernels.narrow[type],
                        .source = source,
                        .target = target,
                        .columns = columns,
                        .row_bytes = sks_bytes_of(type, columns),
                        .most = most_of(type),
                        .first_wrong = rows * columns};
  sks_run_each(cpu->pool, rows, columns, check_row, &task);
  int64_t wrong = task.first_wrong;
  if (wrong < rows * columns) {
    return sks_fail(SKS_INVALID_ARGUMENT,
                    "source row %lld column %lld is %g; expected a magnitude of at most %g",
                    (long long)(wrong / columns), (long long)(wrong % columns),
                    (double)source[wrong], (double)task.most);
  }
  int64_t work = type < SKS_FLOAT_TYPES ? columns : columns * SEARCH_WORK;
  sks_run_each(cpu->pool, rows, work, narrow_row, &task);
  return SKS_OK;
}
