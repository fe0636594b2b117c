/* Each file's slots. */
#ifndef SINKSTREAM_KERNELS_AVX2_AVX2_H
#define SINKSTREAM_KERNELS_AVX2_AVX2_H

#include "core/kernels.h"

void sks_avx2_attention(sks_kernels *table);

#endif
