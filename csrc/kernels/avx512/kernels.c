#include "core/kernels.h"

/* Each file's slots. */
void sks_avx512_attention(sks_kernels *table);

void sks_kernels_avx512(sks_kernels *table) { sks_avx512_attention(table); }
