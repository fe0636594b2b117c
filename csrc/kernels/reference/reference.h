/* What the reference kernels share. */
#ifndef SINKSTREAM_KERNELS_REFERENCE_REFERENCE_H
#define SINKSTREAM_KERNELS_REFERENCE_REFERENCE_H

#include <stdint.h>

#include "core/kernels.h"

/* `count` elements of a block type. */
void sks_reference_dequantize(int32_t type, const void *source, int64_t count, float *target);

/* `count` elements of `type`, a whole number of its blocks, at any alignment, as float32. */
void sks_reference_widen(const void *source, int32_t type, int64_t count, float *target);

/* Each file's slots. */
void sks_reference_attention(sks_kernels *table);
void sks_reference_linear(sks_kernels *table);
void sks_reference_convert(sks_kernels *table);
void sks_reference_panel(sks_kernels *table);
void sks_reference_quantize(sks_kernels *table);
void sks_reference_quantize_q4_k(sks_kernels *table);
void sks_reference_quantize_q6_k(sks_kernels *table);
void sks_reference_norm(sks_kernels *table);
void sks_reference_activation(sks_kernels *table);
void sks_reference_sampling(sks_kernels *table);

#endif
