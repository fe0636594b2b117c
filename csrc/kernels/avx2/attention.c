#include "kernels/avx2/vector.h"
#include "kernels/simd/attend.h"

void sks_avx2_attention(sks_kernels *table) { fill_attention(table); }
