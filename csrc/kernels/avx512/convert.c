#include "kernels/avx512/vector.h"
/* After the vocabulary it is written in. */
#include "kernels/simd/convert.h"

void sks_avx512_convert(sks_kernels *table) { fill_convert(table); }
