#ifndef SINKSTREAM_CUDA_BACKEND_WORKSPACE_H
#define SINKSTREAM_CUDA_BACKEND_WORKSPACE_H

#include "cuda/backend/memory.h"

/* Memory for products of a batch or of many rows, made when the first one comes. */
typedef struct sks_gpu_workspace {
  sks_gpu_room input;       /* rounded to 16 bits */
  sks_gpu_room float_input; /* for float32 weights */
  sks_gpu_room output;      /* once more, rounded for the next product */
  sks_gpu_room sums;        /* where they cannot go straight to y */
  sks_gpu_room expanded;    /* some rows of quantised weights */
} sks_gpu_workspace;

#endif
