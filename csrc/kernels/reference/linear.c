#include "kernels/reference/convert.h"
#include "kernels/reference/reference.h"

static void linear(int32_t type, const void *w, int64_t n, int64_t columns, const float *bias,
                   const float *x, int64_t rows, float *y, int64_t y_stride, int32_t add) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t j = 0; j < n; j++) {
      double sum = bias ? bias[j] : 0;
      for (int64_t i = 0; i < columns; i++)
        sum += (double)sks_load(w, j * columns + i, type) * x[r * columns + i];
      float *out = &y[r * y_stride + j];
      *out = (float)(add ? *out + sum : sum);
    }
  }
}

static void linear_f32(const void *w, int64_t n, int64_t columns, const float *bias, const float *x,
                       int64_t rows, float *y, int64_t y_stride, int32_t add) {
  linear(SKS_F32, w, n, columns, bias, x, rows, y, y_stride, add);
}

static void linear_f16(const void *w, int64_t n, int64_t columns, const float *bias, const float *x,
                       int64_t rows, float *y, int64_t y_stride, int32_t add) {
  linear(SKS_F16, w, n, columns, bias, x, rows, y, y_stride, add);
}

static void linear_bf16(const void *w, int64_t n, int64_t columns, const float *bias,
                        const float *x, int64_t rows, float *y, int64_t y_stride, int32_t add) {
  linear(SKS_BF16, w, n, columns, bias, x, rows, y, y_stride, add);
}

void sks_reference_linear(sks_kernels *table) {
  table->linear[SKS_F32] = linear_f32;
  table->linear[SKS_F16] = linear_f16;
  table->linear[SKS_BF16] = linear_bf16;
}
