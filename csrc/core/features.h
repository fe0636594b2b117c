/* What this processor and its operating system let us use. */
#ifndef SINKSTREAM_CORE_FEATURES_H
#define SINKSTREAM_CORE_FEATURES_H

#include <stdbool.h>

typedef struct sks_features {
  bool avx2;        /* AVX2, FMA and F16C, and the system saves the YMM registers */
  bool avx512;      /* F, BW, DQ and VL, and the system saves the ZMM and mask registers */
  bool avx512_vnni; /* the above and VNNI */
  bool avx512_bf16; /* the above and BF16 */
} sks_features;

sks_features sks_features_of_this_machine(void);

#endif
