#include "kernels/avx2/vector.h"
/* After the vocabulary it is written in. */
#include "kernels/simd/attention.h"

void sks_avx2_attention(sks_kernels *table) { fill_attention(table); }
