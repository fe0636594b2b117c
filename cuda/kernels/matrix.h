/*
 * A weight matrix in device memory: what pack writes, and linear, embed and expand read.
 *
 *   elements  rows one behind the other, sks_cuda_pitch bytes apart, zero behind the last column
 *             F32, F16, BF16   as they are
 *             Q8_0, Q6_K       signed bytes
 *             Q4_0             16 bytes for 32 columns: column i of the first 16 in the low half of
 *                              byte i, column 16 + i in the high half, counted from -8
 *   scales    f16 [rows / 4][columns / sks_cuda_scale_columns][4]: those of four rows lie together,
 *             for one load; sks_cuda_scale_tile_bytes from one four to the next. Q8_0, Q4_0, Q6_K
 *
 * A scale of Q6_K is the product of its two levels, rounded to f16: a relative error of at most
 * 2^-11, however small it is, as f16 times a whole number is a multiple of f16's smallest number.
 *
 * Java tells the bytes before a model is loaded (kernels/GpuLayout.java); CudaTest compares.
 */
#ifndef SINKSTREAM_CUDA_KERNELS_MATRIX_H
#define SINKSTREAM_CUDA_KERNELS_MATRIX_H

#include <stdbool.h>
#include <stdint.h>

#include "core/blocks.h"
#include "core/round_up.h"

enum {
  SKS_CUDA_ROW_TILE = 4, /* rows that a block sums together, and whose scales lie together */
  SKS_CUDA_PITCH = 16    /* bytes that a row is rounded up to: one load of a thread */
};

typedef struct sks_cuda_matrix {
  int32_t type; /* of those that sks_cuda_holds */
  int64_t rows, columns;
  const void *elements; /* aligned to 256 */
  const void *scales;   /* aligned to 256; NULL where the type has none */
  const float *bias;    /* [rows], or NULL */
} sks_cuda_matrix;

/* Whether a matrix can be of the type; weights of any other type become SKS_F16. */
static inline SKS_HOST_DEVICE bool sks_cuda_holds(int32_t type) {
  return type <= SKS_Q4_0 || type == SKS_Q6_K;
}

/* Columns that share a scale; 0 where the type has none. */
static inline SKS_HOST_DEVICE int32_t sks_cuda_scale_columns(int32_t type) {
  return type < SKS_FLOAT_TYPES ? 0 : sks_sub_block(type);
}

/* Bytes from one row of elements to the next. */
static inline SKS_HOST_DEVICE int64_t sks_cuda_pitch(int32_t type, int64_t columns) {
  int64_t bytes = type == SKS_F32                        ? columns * 4
                  : type == SKS_Q8_0 || type == SKS_Q6_K ? columns
                  : type == SKS_Q4_0                     ? columns / 2
                                                         : columns * 2;
  return (bytes + SKS_CUDA_PITCH - 1) / SKS_CUDA_PITCH * SKS_CUDA_PITCH;
}

static inline int64_t sks_cuda_element_bytes(int32_t type, int64_t rows, int64_t columns) {
  return rows * sks_cuda_pitch(type, columns);
}

/* Bytes of the scales of four rows, rounded up to what a copy takes. */
static inline SKS_HOST_DEVICE int64_t sks_cuda_scale_tile_bytes(int32_t type, int64_t columns) {
  int32_t shared = sks_cuda_scale_columns(type);
  if (shared == 0) return 0;
  int64_t bytes = columns / shared * SKS_CUDA_ROW_TILE * 2;
  return (bytes + SKS_CUDA_PITCH - 1) / SKS_CUDA_PITCH * SKS_CUDA_PITCH;
}

/* Where the scale of a row's block of sks_cuda_scale_columns lies, in halves from the first. */
static inline SKS_HOST_DEVICE int64_t sks_cuda_scale_at(int32_t type, int64_t columns, int64_t row,
                                                        int64_t block) {
  return row / SKS_CUDA_ROW_TILE * (sks_cuda_scale_tile_bytes(type, columns) / 2) +
         block * SKS_CUDA_ROW_TILE + row % SKS_CUDA_ROW_TILE;
}

static inline int64_t sks_cuda_scale_bytes(int32_t type, int64_t rows, int64_t columns) {
  return sks_ceil_div(rows, SKS_CUDA_ROW_TILE) * sks_cuda_scale_tile_bytes(type, columns);
}

#endif
