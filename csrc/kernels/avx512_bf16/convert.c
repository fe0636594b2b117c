#include <string.h>

#include "core/kernels.h"
#include "kernels/avx512/vector.h"

/* The instruction takes subnormal numbers for zero: vectors that have any go the long way. */
SKS_INLINE void narrow_vector(void *at, vec x) {
  enum { SUBNORMAL = 0x20 };
  if (_mm512_fpclass_ps_mask(x, SUBNORMAL)) {
    vec_narrow(at, x, SKS_BF16);
  } else {
    _mm256_storeu_si256(at, (__m256i)_mm512_cvtneps_pbh(x));
  }
}

static void narrow_bf16(const float *source, int64_t count, void *target) {
  char *at = target;
  int64_t whole = count / LANES * LANES;
  for (int64_t i = 0; i < whole; i += LANES) narrow_vector(at + 2 * i, vec_load(source + i));
  if (whole < count) {
    uint16_t rest[LANES];
    narrow_vector(rest, vec_load_part(source + whole, count - whole, 0));
    memcpy(at + 2 * whole, rest, (size_t)(count - whole) * sizeof *rest);
  }
}

void sks_avx512_bf16_convert(sks_kernels *table) { table->narrow[SKS_BF16] = narrow_bf16; }
