#include "kernels/avx2/avx2.h"

void sks_kernels_avx2(sks_kernels *table) { sks_avx2_attention(table); }
