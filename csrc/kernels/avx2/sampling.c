#include "kernels/avx2/vector.h"
/* After the vocabulary it is written in. */
#include "kernels/simd/sampling.h"

void sks_avx2_sampling(sks_kernels *table) { fill_sampling(table); }
