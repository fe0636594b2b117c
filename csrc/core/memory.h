/* The only place that asks the system for memory, so that what is held can be told to the byte. */
#ifndef SINKSTREAM_CORE_MEMORY_H
#define SINKSTREAM_CORE_MEMORY_H

#include <stdint.h>

/* `bytes` zeroed bytes aligned to 64, or NULL with the last error set (SKS_OUT_OF_MEMORY, naming
 * `what`). */
void *sks_memory_allocate(int64_t bytes, const char *what);

/* The same for many blocks that live as long as each other, as a model's weights do: those of some
 * MB lie one behind the other in a slab, so that all of them are in whole huge pages, where the
 * system has such. Memory goes back to the system with the last of the blocks beside it.
 * Thread-safe. */
void *sks_memory_allocate_in_slab(int64_t bytes, const char *what);

/* Bytes of memory that this machine has in all, and that could be had now without swapping: what
 * the system keeps of files, a mapped model's among them, it gives back. */
int64_t sks_memory_of_machine(void);
int64_t sks_memory_available(void);

/* Counts memory that another allocator holds: bytes more or fewer, and how often it was asked. */
void sks_memory_account(int64_t bytes, int64_t allocations);

/* NULL is allowed. */
void sks_memory_free(void *memory);

#endif
