#include "ops/workspace.h"

#include "core/memory.h"
#include "ops/check.h"
#include "ops/norm.h"
#include "ops/split.h"

int32_t sks_workspace_create(sks_device *device, int32_t max_rows, int32_t max_columns,
                             sks_workspace **workspace) {
  int32_t status = sks_require_range(max_rows, 1, INT32_MAX, "max_rows");
  if (status == SKS_OK) status = sks_require_range(max_columns, 1, INT32_MAX - 64, "max_columns");
  if (status != SKS_OK) return status;
  sks_workspace *made = sks_memory_allocate(sizeof *made, "a workspace");
  if (made == NULL) return SKS_OUT_OF_MEMORY;
  int64_t rows = max_rows;
  *made = (sks_workspace){.device = device, .max_rows = max_rows, .max_columns = max_columns};
  made->floats = sks_memory_allocate(rows * max_columns * 4, "a workspace");
  made->blocks = sks_memory_allocate(
      rows * sks_input_blocks(max_columns) * (int64_t)sizeof(sks_input_block), "a workspace");
  made->halves = sks_memory_allocate(rows * sks_bf16_values(max_columns) * 2, "a workspace");
  if (!made->floats || !made->blocks || !made->halves) {
    sks_workspace_destroy(made);
    return SKS_OUT_OF_MEMORY;
  }
  *workspace = made;
  return SKS_OK;
}

void sks_workspace_destroy(sks_workspace *workspace) {
  if (workspace == NULL) return;
  sks_memory_free(workspace->floats);
  sks_memory_free(workspace->blocks);
  sks_memory_free(workspace->halves);
  sks_memory_free(workspace);
}

typedef struct prepare_task {
  sks_workspace *workspace;
  int32_t inputs;
  const sks_norm *norm;
  const float *x;
  int64_t rows, columns, rows_per_task;
} prepare_task;

static void prepare_row(const prepare_task *t, int64_t row) {
  sks_workspace *workspace = t->workspace;
  const sks_kernels *kernels = &workspace->device->kernels;
  const float *values = t->x + row * t->columns;
  if (t->norm) {
    float *normalised = workspace->floats + row * t->columns;
    sks_norm_row(kernels, t->norm, values, t->columns, normalised);
    values = normalised;
  }
  if (t->inputs & SKS_INPUT_BLOCKS)
    kernels->quantize(values, t->columns, workspace->blocks + row * sks_input_blocks(t->columns));
  if (t->inputs & SKS_INPUT_BF16) {
    char *halves = workspace->halves + 2 * row * sks_bf16_values(t->columns);
    kernels->narrow[SKS_BF16](values, t->columns, halves);
    if (t->columns % 2) memset(halves + 2 * t->columns, 0, 2);
  }
}

static void run_task(void *argument, int64_t index, int32_t thread) {
  (void)thread;
  const prepare_task *t = argument;
  int64_t begin = index * t->rows_per_task;
  for (int64_t r = begin; r < sks_task_end(begin, t->rows_per_task, t->rows); r++)
    prepare_row(t, r);
}

sks_input sks_workspace_prepare(sks_workspace *workspace, int32_t inputs, const sks_norm *norm,
                                const float *x, int64_t rows, int64_t columns) {
  if (norm || inputs != SKS_INPUT_FLOATS) {
    prepare_task task = {.workspace = workspace,
                         .inputs = inputs,
                         .norm = norm,
                         .x = x,
                         .rows = rows,
                         .columns = columns,
                         .rows_per_task = sks_items_per_task(columns)};
    sks_pool_run(workspace->device->pool, sks_tasks(rows, task.rows_per_task), run_task, &task);
  }
  return (sks_input){.columns = columns,
                     .floats = norm ? workspace->floats : x,
                     .blocks = workspace->blocks,
                     .halves = workspace->halves};
}
