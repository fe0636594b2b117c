#include "core/kernels.h"
#include "kernels/reference/reference.h"

static void linear(int32_t type, const void *w, int64_t n, int64_t columns, const float *x,
                   int64_t rows, float *y, int64_t y_stride) {
  sks_block block = sks_block_of(type);
  for (int64_t j = 0; j < n; j++) {
    for (int64_t r = 0; r < rows; r++) {
      const char *row = (const char *)w + j * sks_bytes_of(type, columns);
      double sum = 0;
      for (int64_t i = 0; i < columns; i += block.values, row += block.bytes) {
        float widened[SKS_MOST_BLOCK_VALUES];
        sks_reference_widen(row, type, block.values, widened);
        for (int32_t k = 0; k < block.values; k++)
          sum += (double)widened[k] * x[r * columns + i + k];
      }
      y[r * y_stride + j] = (float)sum;
    }
  }
}

void sks_reference_linear(sks_kernels *table) {
  for (int32_t type = 0; type < SKS_TYPES; type++) table->linear[type] = linear;
}
