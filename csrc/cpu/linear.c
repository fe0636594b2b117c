#include "cpu/cpu.h"
#include "cpu/norm.h"
#include "cpu/split.h"
#include "cpu/workspace.h"

enum {
  STRIP_CHANNELS = SKS_PANEL_CHANNELS, /* what is summed before it goes where it belongs */
  STRIP_ROWS = 96
};

typedef struct linear_task {
  const sks_kernels *kernels;
  const sks_weights *weights;
  sks_input input;
  int64_t rows;
  float *y;
  int64_t channels; /* of y */
  int32_t output;
} linear_task;

/* Some channels of a part with some rows. */
typedef struct strip {
  const sks_part *part;
  int64_t channel, channels;
  int64_t row, rows;
} strip;

/* sums[r, c] of the strip, STRIP_CHANNELS apart, with the bias. */
static void sum_strip(const linear_task *t, strip s, float *sums) {
  const sks_part *part = s.part;
  int64_t columns = t->weights->columns;
  const void *x = sks_input_row(&t->input, part->input, s.row);
  if (part->panels) {
    t->kernels->panel[part->type](part->type, sks_panel_of(part, s.channel), columns, x, s.rows,
                                  sums, STRIP_CHANNELS);
  } else {
    t->kernels->linear[part->type](part->type, sks_stored_row(part, s.channel, columns), s.channels,
                                   columns, x, s.rows, sums, STRIP_CHANNELS);
  }
  for (int64_t r = 0; part->bias && r < s.rows; r++)
    for (int64_t c = 0; c < s.channels; c++)
      sums[r * STRIP_CHANNELS + c] += part->bias[s.channel + c];
}

/* Sums of one row of a strip go to y. */
static void put_row(const linear_task *t, const float *sums, int64_t channels, float *y) {
  switch (t->output) {
    case SKS_ADD:
      for (int64_t c = 0; c < channels; c++) y[c] += sums[c];
      break;
    default:
      memcpy(y, sums, (size_t)channels * sizeof *y);
  }
  if (t->output == SKS_GELU_EXACT) t->kernels->gelu_exact(y, channels);
  if (t->output == SKS_GELU_TANH) t->kernels->gelu_tanh(y, channels);
}

static void run_strip(const linear_task *t, strip s) {
  _Alignas(64) float sums[STRIP_ROWS * STRIP_CHANNELS], up[STRIP_ROWS * STRIP_CHANNELS];
  sum_strip(t, s, sums);
  if (t->output == SKS_SILU_GATE) {
    strip other = s;
    other.part++;
    sum_strip(t, other, up);
  }
  float *y = t->y + s.row * t->channels + s.part->first + s.channel;
  for (int64_t r = 0; r < s.rows; r++, y += t->channels) {
    const float *row = sums + r * STRIP_CHANNELS;
    if (t->output == SKS_SILU_GATE)
      t->kernels->silu_gate(row, up + r * STRIP_CHANNELS, s.channels, y);
    else
      put_row(t, row, s.channels, y);
  }
}

/* Strip `index` of all, in the order of memory. */
static strip strip_of(const linear_task *t, int64_t index) {
  const sks_cpu_matrix *matrix = sks_cpu_matrix_of(t->weights);
  const sks_part *part = matrix->parts;
  if (matrix->interleaved && t->output != SKS_SILU_GATE) {
    part += index % 2;
    index /= 2;
  }
  for (; index >= sks_tasks(part->rows, STRIP_CHANNELS); part++)
    index -= sks_tasks(part->rows, STRIP_CHANNELS);
  strip s = {.part = part, .channel = index * STRIP_CHANNELS};
  s.channels = sks_task_end(s.channel, STRIP_CHANNELS, part->rows) - s.channel;
  return s;
}

static void run_channels(void *argument, int64_t index, int32_t thread) {
  (void)thread;
  const linear_task *t = argument;
  strip s = strip_of(t, index);
  for (; s.row < t->rows; s.row += s.rows) {
    s.rows = sks_task_end(s.row, STRIP_ROWS, t->rows) - s.row;
    run_strip(t, s);
  }
}

int32_t sks_cpu_linear(sks_workspace *workspace, const sks_weights *weights, const sks_norm *norm,
                       const float *x, int32_t rows, float *y, int32_t output) {
  sks_cpu *cpu = sks_cpu_of(workspace->device);
  const sks_cpu_matrix *matrix = sks_cpu_matrix_of(weights);
  bool gated = output == SKS_SILU_GATE;
  linear_task task = {.kernels = &cpu->kernels,
                      .weights = weights,
                      .rows = rows,
                      .y = y,
                      .channels = gated ? weights->rows / 2 : weights->rows,
                      .output = output};
  task.input = sks_workspace_prepare(workspace, matrix->inputs, norm, x, rows, weights->columns);
  int64_t strips = 0;
  for (int32_t i = 0; i < (gated ? 1 : weights->part_count); i++)
    strips += sks_tasks(matrix->parts[i].rows, STRIP_CHANNELS);
  /* Channels are summed alone: how they are cut changes no result. */
  sks_run_each(cpu->pool, strips, weights->columns * rows * STRIP_CHANNELS, run_channels, &task);
  return SKS_OK;
}
