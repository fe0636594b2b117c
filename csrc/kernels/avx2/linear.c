#include "kernels/avx2/vector.h"

/* 16 registers: weights of f32 are operands from memory, others take 4 registers while they meet
 * the rows. */
SKS_INLINE int linear_tile_rows(int32_t type) { return type == SKS_F32 ? 3 : 2; }

/* After the vocabulary it is written in. */
#include "kernels/simd/linear.h"

void sks_avx2_linear(sks_kernels *table) { fill_linear(table); }
