#include "core/kernels.h"

/* Each file's slots. */
void sks_avx512_bf16_convert(sks_kernels *table);
void sks_avx512_bf16_panel(sks_kernels *table);

void sks_kernels_avx512_bf16(sks_kernels *table) {
  sks_avx512_bf16_convert(table);
  sks_avx512_bf16_panel(table);
}
