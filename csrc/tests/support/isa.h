/* The kernels of every instruction set that this machine has. */
#ifndef SINKSTREAM_TESTS_SUPPORT_ISA_H
#define SINKSTREAM_TESTS_SUPPORT_ISA_H

#include "core/kernels.h"

/*
 * Calls test(kernels, reference, seed) for every instruction set, the reference's own first, saying
 * which. All see the same seed.
 */
void for_every_isa(void (*test)(const sks_kernels *kernels, const sks_kernels *reference,
                                uint64_t seed),
                   uint64_t seed);

#endif
