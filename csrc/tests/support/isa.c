#include "support/isa.h"

#include <stdio.h>

#include "core/dispatch.h"

void for_every_isa(void (*test)(const sks_kernels *kernels, const sks_kernels *reference,
                                uint64_t seed),
                   uint64_t seed) {
  sks_kernels reference;
  sks_kernels kernels;
  sks_dispatch_level(0, &reference);
  for (int32_t level = 0; sks_dispatch_level(level, &kernels); level++) {
    printf("%s\n", kernels.isa);
    test(&kernels, &reference, seed);
  }
}
