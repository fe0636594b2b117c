/* Random weights of every type. */
#ifndef SINKSTREAM_TESTS_SUPPORT_WEIGHTS_H
#define SINKSTREAM_TESTS_SUPPORT_WEIGHTS_H

#include "core/kernels.h"

/* `count` weights of at most 1 or so in size, a whole number of blocks: every bit of a block but
 * its scales' is random. */
void weights_fill(int32_t type, int64_t count, uint64_t *seed, void *weights);

#endif
