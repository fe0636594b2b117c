#include "kernels/avx2/vector.h"
/* After the vocabulary it is written in. */
#include "kernels/simd/activation.h"

void sks_avx2_activation(sks_kernels *table) { fill_activation(table); }
