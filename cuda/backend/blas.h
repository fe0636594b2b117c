/* cuBLAS, found at run time: nothing of it is needed to build or to start. */
#ifndef SINKSTREAM_CUDA_BACKEND_BLAS_H
#define SINKSTREAM_CUDA_BACKEND_BLAS_H

#include <cuda_runtime_api.h>
#include <stdint.h>

typedef struct sks_gpu sks_gpu;

typedef struct sks_gpu_blas {
  void *library; /* NULL where there is none */
  void *handle;  /* made with the first product */
  int (*create)(void **handle);
  int (*destroy)(void *handle);
  int (*set_stream)(void *handle, cudaStream_t stream);
  int (*set_workspace)(void *handle, void *workspace, size_t bytes);
  int (*gemm)(void *handle, int transpose_a, int transpose_b, int m, int n, int k,
              const void *alpha, const void *a, int type_a, int lda, const void *b, int type_b,
              int ldb, const void *beta, void *c, int type_c, int ldc, int compute_type,
              int algorithm);
} sks_gpu_blas;

/* A product y[r, c] = beta * y[r, c] + sum_k x[r, k] w[c, k]; x and w of `type`, y float32. */
typedef struct sks_gpu_product {
  int32_t type; /* SKS_F16, SKS_BF16 or SKS_F32 */
  int64_t rows, channels, columns;
  const void *x, *w;
  int64_t x_stride, w_stride; /* elements from a row to the next */
  float *y;
  int64_t y_stride;
  float beta;
} sks_gpu_product;

/* Looks for the library. */
void sks_gpu_blas_find(sks_gpu_blas *blas);
void sks_gpu_blas_close(sks_gpu_blas *blas);

/* The status of a product of cuBLAS, which is there. Sums are float32. */
int32_t sks_gpu_multiply(sks_gpu *gpu, const sks_gpu_product *product);

#endif
