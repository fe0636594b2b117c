#ifndef SINKSTREAM_CUDA_BACKEND_WEIGHTS_H
#define SINKSTREAM_CUDA_BACKEND_WEIGHTS_H

#include <stdbool.h>

#include "core/matrix.h"
#include "cuda/kernels/matrix.h"

/* What a GPU has of a matrix: all parts stacked, in one type. */
typedef struct sks_gpu_matrix {
  sks_cuda_matrix matrix;
  void *memory; /* elements, scales, biases */
  bool exact;   /* input is not rounded, however many rows it has */
} sks_gpu_matrix;

static inline const sks_gpu_matrix *sks_gpu_matrix_of(const sks_weights *weights) {
  return weights->own;
}

#endif
