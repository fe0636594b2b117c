#include "core/kernels.h"

#include "kernels/avx512_vnni/integer.h"
/* After the vocabulary it is written in. */
#include "kernels/simd/panel.h"

void sks_kernels_avx512_vnni(sks_kernels *table) { fill_panel(table); }
