#include "kernels/avx512/avx512.h"

void sks_kernels_avx512(sks_kernels *table) { sks_avx512_attention(table); }
