#include "kernels/avx2/vector.h"
/* After the vocabulary it is written in. */
#include "kernels/simd/norm.h"

void sks_avx2_norm(sks_kernels *table) { fill_norm(table); }
