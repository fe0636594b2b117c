/* The input of linear layers, in the forms that their weights take. */
#ifndef SINKSTREAM_CPU_WORKSPACE_H
#define SINKSTREAM_CPU_WORKSPACE_H

#include "cpu/weights.h"

/* What the CPU has of a workspace. */
typedef struct sks_cpu_workspace {
  float *floats;           /* [max_rows, max_columns]: normalised */
  sks_input_block *blocks; /* [max_rows, sks_input_blocks(max_columns)] */
  char *halves;            /* [max_rows, sks_bf16_values(max_columns)] */
} sks_cpu_workspace;

/* Rows of input: those forms of it that were asked for. */
typedef struct sks_input {
  int64_t columns;
  const float *floats;           /* [rows, columns] */
  const sks_input_block *blocks; /* [rows, sks_input_blocks(columns)] */
  const char *halves;            /* [rows, sks_bf16_values(columns)] */
} sks_input;

/* norm(x), or x where `norm` is NULL, in the forms `inputs`; in the workspace's memory. */
sks_input sks_workspace_prepare(sks_workspace *workspace, int32_t inputs, const sks_norm *norm,
                                const float *x, int64_t rows, int64_t columns);

/* Row `row` of the form `input`, one of SKS_INPUT_, and the rows after it. */
static inline const void *sks_input_row(const sks_input *from, int32_t input, int64_t row) {
  switch (input) {
    case SKS_INPUT_BLOCKS:
      return from->blocks + row * sks_input_blocks(from->columns);
    case SKS_INPUT_BF16:
      return from->halves + 2 * row * sks_bf16_values(from->columns);
    default:
      return from->floats + row * from->columns;
  }
}

#endif
