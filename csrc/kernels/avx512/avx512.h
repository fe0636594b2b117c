/* Each file's slots. */
#ifndef SINKSTREAM_KERNELS_AVX512_AVX512_H
#define SINKSTREAM_KERNELS_AVX512_AVX512_H

#include "core/kernels.h"

void sks_avx512_attention(sks_kernels *table);

#endif
