#include "core/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/fail.h"
#include "sinkstream/device.h"

#define ALIGNMENT 64

/* In front of every block, one alignment unit long so that the block stays aligned. */
typedef struct header {
  _Alignas(ALIGNMENT) int64_t bytes;
} header;

static _Atomic int64_t held;
static _Atomic int64_t asked;

int64_t sks_memory_of_machine(void) {
  return (int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE);
}

void *sks_memory_allocate(int64_t bytes, const char *what) {
  /* The system would promise more than it has and kill the process later. */
  if (bytes < 0 || bytes > sks_memory_of_machine()) {
    sks_fail(SKS_OUT_OF_MEMORY, "%s takes %lld bytes; this machine has %lld", what,
             (long long)bytes, (long long)sks_memory_of_machine());
    return NULL;
  }
  size_t size = (sizeof(header) + (size_t)bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  header *block = aligned_alloc(ALIGNMENT, size);
  if (block == NULL) {
    sks_fail(SKS_OUT_OF_MEMORY, "%s takes %lld bytes, which the system refused", what,
             (long long)bytes);
    return NULL;
  }
  memset(block, 0, size);
  block->bytes = bytes;
  atomic_fetch_add(&held, bytes);
  atomic_fetch_add(&asked, 1);
  return block + 1;
}

void sks_memory_free(void *memory) {
  if (memory != NULL) {
    header *block = (header *)memory - 1;
    atomic_fetch_sub(&held, block->bytes);
    free(block);
  }
}

int64_t sks_allocated_bytes(void) { return atomic_load(&held); }

int64_t sks_allocations(void) { return atomic_load(&asked); }
