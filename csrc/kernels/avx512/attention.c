#include "kernels/avx512/vector.h"
#include "kernels/simd/attend.h"

void sks_avx512_attention(sks_kernels *table) { fill_attention(table); }
