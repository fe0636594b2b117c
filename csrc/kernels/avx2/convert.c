#include "kernels/avx2/vector.h"
/* After the vocabulary it is written in. */
#include "kernels/simd/convert.h"

void sks_avx2_convert(sks_kernels *table) { fill_convert(table); }
