#include "core/kernels.h"

/* Each file's slots. */
void sks_avx2_attention(sks_kernels *table);
void sks_avx2_linear(sks_kernels *table);
void sks_avx2_panel(sks_kernels *table);
void sks_avx2_convert(sks_kernels *table);
void sks_avx2_norm(sks_kernels *table);
void sks_avx2_activation(sks_kernels *table);
void sks_avx2_sampling(sks_kernels *table);

void sks_kernels_avx2(sks_kernels *table) {
  sks_avx2_attention(table);
  sks_avx2_linear(table);
  sks_avx2_panel(table);
  sks_avx2_convert(table);
  sks_avx2_norm(table);
  sks_avx2_activation(table);
  sks_avx2_sampling(table);
}
