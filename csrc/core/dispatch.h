/* Chooses the kernels of a device. */
#ifndef SINKSTREAM_CORE_DISPATCH_H
#define SINKSTREAM_CORE_DISPATCH_H

#include <stdint.h>

#include "core/kernels.h"

/*
 * Fills the table for the instruction set of this name, or the best of this machine where it is NULL.
 * Errors: SKS_INVALID_ARGUMENT (no such name), SKS_UNSUPPORTED (the machine or this build lacks it).
 */
int32_t sks_dispatch(const char *isa, sks_kernels *table);

#endif
