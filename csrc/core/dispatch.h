/* Chooses the kernels of a device. */
#ifndef SINKSTREAM_CORE_DISPATCH_H
#define SINKSTREAM_CORE_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/kernels.h"

/*
 * Fills the table for the instruction set of this name, or the best of this machine where it is
 * NULL. Errors: SKS_INVALID_ARGUMENT (no such name), SKS_UNSUPPORTED (the machine or this build
 * lacks it).
 */
int32_t sks_dispatch(const char *isa, sks_kernels *table);

/*
 * Fills the table for the level-th instruction set of this machine, 0 being the reference; false
 * where there are not so many. For what goes through all of them; a name may stand for several.
 */
bool sks_dispatch_level(int32_t level, sks_kernels *table);

#endif
