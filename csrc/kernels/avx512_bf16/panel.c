#include <string.h>

#include "kernels/avx512/vector.h"

/* sum + both products of each lane's pair with values[0..1], as the instruction rounds. */
SKS_INLINE vec vec_dot_pairs(vec sum, const void *pairs, const uint16_t *values) {
  int32_t two;
  memcpy(&two, values, sizeof two);
  return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_loadu_si512(pairs),
                          (__m512bh)_mm512_set1_epi32(two));
}

/* After the vocabulary it is written in. */
#include "kernels/simd/panel_bf16.h"

void sks_avx512_bf16_panel(sks_kernels *table) { table->panel[SKS_BF16] = panel_bf16; }
