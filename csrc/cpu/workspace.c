#include "cpu/workspace.h"

#include <string.h>

#include "core/memory.h"
#include "cpu/cpu.h"
#include "cpu/norm.h"
#include "cpu/split.h"

int32_t sks_cpu_workspace_create(sks_workspace *workspace) {
  sks_cpu_workspace *made = sks_memory_allocate(sizeof *made, "a workspace");
  if (made == NULL) return SKS_OUT_OF_MEMORY;
  int64_t rows = workspace->max_rows, columns = workspace->max_columns;
  workspace->own = made;
  made->floats = sks_memory_allocate(rows * columns * 4, "a workspace");
  made->blocks = sks_memory_allocate(
      rows * sks_input_blocks(columns) * (int64_t)sizeof(sks_input_block), "a workspace");
  made->halves = sks_memory_allocate(rows * sks_bf16_values(columns) * 2, "a workspace");
  if (made->floats && made->blocks && made->halves) return SKS_OK;
  sks_cpu_workspace_destroy(workspace);
  return SKS_OUT_OF_MEMORY;
}

void sks_cpu_workspace_destroy(sks_workspace *workspace) {
  sks_cpu_workspace *made = workspace->own;
  sks_memory_free(made->floats);
  sks_memory_free(made->blocks);
  sks_memory_free(made->halves);
  sks_memory_free(made);
}

typedef struct prepare_task {
  const sks_kernels *kernels;
  const sks_cpu_workspace *workspace;
  int32_t inputs;
  const sks_norm *norm;
  const float *x;
  int64_t columns;
} prepare_task;

static void prepare_row(void *argument, int64_t row, int32_t thread) {
  (void)thread;
  const prepare_task *t = argument;
  const sks_cpu_workspace *workspace = t->workspace;
  const sks_kernels *kernels = t->kernels;
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

sks_input sks_workspace_prepare(sks_workspace *workspace, int32_t inputs, const sks_norm *norm,
                                const float *x, int64_t rows, int64_t columns) {
  sks_cpu *cpu = sks_cpu_of(workspace->device);
  const sks_cpu_workspace *own = workspace->own;
  if (norm || inputs != SKS_INPUT_FLOATS) {
    prepare_task task = {.kernels = &cpu->kernels,
                         .workspace = own,
                         .inputs = inputs,
                         .norm = norm,
                         .x = x,
                         .columns = columns};
    sks_run_each(cpu->pool, rows, columns, prepare_row, &task);
  }
  return (sks_input){.columns = columns,
                     .floats = norm ? own->floats : x,
                     .blocks = own->blocks,
                     .halves = own->halves};
}
