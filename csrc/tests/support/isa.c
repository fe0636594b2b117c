#include "support/isa.h"

#include <stdio.h>

#include "core/dispatch.h"

void for_every_isa(void (*test)(const sks_kernels* kernels, const sks_kernels* reference,
                                uint64_t seed),
                   uint64_t seed) {
  sks_kernels reference;
  sks_kernels kernels;
  sks_dispatch_level(0, &reference);
  int32_t level = sks_dispatch_level(1, &kernels) ? 1 : 0;
  while (sks_dispatch_level(level, &kernels)) {
    printf("%s\n", kernels.isa);
    test(&kernels, &reference, seed);
    level++;
  }
}
