/* Buffers between pages that cannot be touched: an access outside ends the test with SIGSEGV. */
#ifndef SINKSTREAM_TESTS_SUPPORT_GUARD_H
#define SINKSTREAM_TESTS_SUPPORT_GUARD_H

#include <stddef.h>

typedef struct guarded {
  char *data;
  char *mapping;
  size_t mapped;
} guarded;

/* `bytes` bytes whose last one, or first one, lies against a page that cannot be touched. */
guarded guard_end(size_t bytes);
guarded guard_start(size_t bytes);

void guard_free(guarded buffer);

#endif
