#ifndef SINKSTREAM_CPU_WEIGHTS_H
#define SINKSTREAM_CPU_WEIGHTS_H

#include "core/matrix.h"
#include "core/panel.h"

/* What the weights of a part take as input; several of a matrix whose parts differ. */
enum { SKS_INPUT_FLOATS = 1, SKS_INPUT_BLOCKS = 2, SKS_INPUT_BF16 = 4 };

typedef struct sks_part {
  const char *data;   /* as stored; NULL where packed */
  const char *panels; /* [panels of its rows], panel_stride bytes apart; NULL where not packed */
  int64_t panel_stride;
  const float *bias; /* [rows], or NULL */
  int64_t rows;
  int64_t first; /* its first row in the matrix */
  int32_t type;
  int32_t input; /* one of SKS_INPUT_ */
} sks_part;

/* What the CPU has of a matrix. */
typedef struct sks_cpu_matrix {
  int32_t inputs; /* of all parts */
  /* Two packed parts of one shape and type, as gate and up are: their panels take turns, so that
   * reading both is one stream of memory. */
  bool interleaved;
  char *panels; /* of all packed parts */
  float *biases;
  sks_part parts[]; /* [part_count] */
} sks_cpu_matrix;

static inline const sks_cpu_matrix *sks_cpu_matrix_of(const sks_weights *weights) {
  return weights->own;
}

static inline const char *sks_stored_row(const sks_part *part, int64_t row, int64_t columns) {
  return part->data + row * sks_bytes_of(part->type, columns);
}

static inline const char *sks_panel_of(const sks_part *part, int64_t row) {
  return part->panels + row / SKS_PANEL_CHANNELS * part->panel_stride;
}

/* Bytes of `rows` rows as panels. */
int64_t sks_packed_bytes(int32_t type, int64_t rows, int64_t columns);

/* Copies [rows, columns] of `type` into panels that are `stride` bytes apart and zero. */
void sks_pack(sks_device *device, int32_t type, const void *data, int64_t rows, int64_t columns,
              char *panels, int64_t stride);

#endif
