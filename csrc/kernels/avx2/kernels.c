#include "core/kernels.h"

/* Each file's slots. */
void sks_avx2_attention(sks_kernels *table);

void sks_kernels_avx2(sks_kernels *table) { sks_avx2_attention(table); }
