#include "kernels/avx512/vector.h"
/* After the vocabulary it is written in. */
#include "kernels/simd/sampling.h"

void sks_avx512_sampling(sks_kernels *table) { fill_sampling(table); }
