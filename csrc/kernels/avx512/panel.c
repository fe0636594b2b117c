#include "kernels/avx512/vector.h"
/* After the vocabulary it is written in. */
#include "kernels/simd/quantize.h"

void sks_avx512_panel(sks_kernels *table) { table->quantize = quantize; }
