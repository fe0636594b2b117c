#include "core/kernels.h"

/* Each file's slots. */
void sks_avx512_attention(sks_kernels *table);
void sks_avx512_linear(sks_kernels *table);
void sks_avx512_panel(sks_kernels *table);
void sks_avx512_convert(sks_kernels *table);
void sks_avx512_norm(sks_kernels *table);
void sks_avx512_activation(sks_kernels *table);
void sks_avx512_sampling(sks_kernels *table);

void sks_kernels_avx512(sks_kernels *table) {
  sks_avx512_attention(table);
  sks_avx512_linear(table);
  sks_avx512_panel(table);
  sks_avx512_convert(table);
  sks_avx512_norm(table);
  sks_avx512_activation(table);
  sks_avx512_sampling(table);
}
