#include "core/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/fail.h"
#include "core/round_up.h"
#include "sinkstream/device.h"

#define ALIGNMENT 64

/* From here on a block is mapped by itself, in huge pages where the system has them: reading it
 * then misses the translation cache 512 times less. */
#define HUGE_PAGE ((size_t)2 << 20)
#if defined(__SANITIZE_ADDRESS__)
#define MAPPED_FROM SIZE_MAX /* the sanitizer watches the heap only */
#else
#define MAPPED_FROM HUGE_PAGE
#endif

/* Memory whose blocks lie one behind the other; what is behind the last one was never touched. */
typedef struct slab {
  _Alignas(ALIGNMENT) size_t bytes;
  size_t used;
  int64_t blocks; /* not yet freed */
} slab;

#define SLAB_BYTES ((size_t)64 << 20)

/* In front of every block, one alignment unit long so that the block stays aligned. */
typedef struct header {
  _Alignas(ALIGNMENT) int64_t bytes;
  size_t mapped; /* in all, 0 where the block is of the heap or of a slab */
  slab *slab;    /* or NULL */
} header;

static pthread_mutex_t slab_lock = PTHREAD_MUTEX_INITIALIZER;
static slab *open_slab; /* which has room, or NULL */

static _Atomic int64_t held;
static _Atomic int64_t asked;

int64_t sks_memory_of_machine(void) {
  return (int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE);
}

int64_t sks_memory_available(void) {
  long long kib = -1;
  FILE *file = fopen("/proc/meminfo", "re"); /* Linux: proc(5) */
  if (file != NULL) {
    char line[128];
    while (kib < 0 && fgets(line, sizeof line, file)) sscanf(line, "MemAvailable: %lld kB", &kib);
    fclose(file);
  }
  if (kib >= 0) return kib * 1024;
  /* Elsewhere, without what the system would give back. */
  return (int64_t)sysconf(_SC_AVPHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE);
}

void sks_memory_account(int64_t bytes, int64_t allocations) {
  atomic_fetch_add(&held, bytes);
  atomic_fetch_add(&asked, allocations);
}

/* Zeroed memory that begins with a huge page; NULL where the system refuses. */
static void *map(size_t bytes) {
  char *area =
      mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) return NULL;
  size_t skip = (HUGE_PAGE - (uintptr_t)area % HUGE_PAGE) % HUGE_PAGE;
  if (skip > 0) munmap(area, skip);
  if (skip < HUGE_PAGE) munmap(area + skip + bytes, HUGE_PAGE - skip);
#ifdef MADV_HUGEPAGE
  madvise(area + skip, bytes, MADV_HUGEPAGE); /* a wish: without it the pages are small */
#endif
  return area + skip;
}

static header *zeroed(size_t bytes) {
  if (bytes >= MAPPED_FROM) {
    size_t whole = (size_t)sks_round_up((int64_t)bytes, sysconf(_SC_PAGESIZE));
    header *block = map(whole);
    if (block != NULL) block->mapped = whole;
    return block;
  }
  header *block = aligned_alloc(ALIGNMENT, bytes);
  if (block != NULL) memset(block, 0, bytes);
  return block;
}

static slab *new_slab(size_t least) {
  size_t bytes = sizeof(slab) + least > SLAB_BYTES ? sizeof(slab) + least : SLAB_BYTES;
  size_t whole = (size_t)sks_round_up((int64_t)bytes, HUGE_PAGE);
  slab *made = map(whole);
  if (made != NULL) *made = (slab){.bytes = whole, .used = sizeof(slab)};
  return made;
}

static header *of_slab(size_t bytes) {
  header *block = NULL;
  pthread_mutex_lock(&slab_lock);
  if (open_slab == NULL || open_slab->bytes - open_slab->used < bytes) {
    slab *made = new_slab(bytes);
    if (made != NULL) open_slab = made; /* the old one goes with its last block */
  }
  if (open_slab != NULL && open_slab->bytes - open_slab->used >= bytes) {
    block = (header *)((char *)open_slab + open_slab->used);
    block->slab = open_slab;
    open_slab->used += bytes;
    open_slab->blocks++;
  }
  pthread_mutex_unlock(&slab_lock);
  return block;
}

static void free_of_slab(slab *of) {
  pthread_mutex_lock(&slab_lock);
  if (--of->blocks == 0) {
    if (of == open_slab) open_slab = NULL;
    munmap(of, of->bytes);
  }
  pthread_mutex_unlock(&slab_lock);
}

static void *allocate(int64_t bytes, const char *what, bool in_slab) {
  /* The system would promise more than it has and kill the process later. */
  if (bytes < 0 || bytes > sks_memory_of_machine()) {
    sks_fail(SKS_OUT_OF_MEMORY, "%s takes %lld bytes; this machine has %lld", what,
             (long long)bytes, (long long)sks_memory_of_machine());
    return NULL;
  }
  size_t size = (size_t)sks_round_up((int64_t)sizeof(header) + bytes, ALIGNMENT);
  header *block = in_slab && size >= MAPPED_FROM ? of_slab(size) : zeroed(size);
  if (block == NULL) {
    sks_fail(SKS_OUT_OF_MEMORY, "%s takes %lld bytes, which the system refused", what,
             (long long)bytes);
    return NULL;
  }
  block->bytes = bytes;
  atomic_fetch_add(&held, bytes);
  atomic_fetch_add(&asked, 1);
  return block + 1;
}

void *sks_memory_allocate(int64_t bytes, const char *what) { return allocate(bytes, what, false); }

void *sks_memory_allocate_in_slab(int64_t bytes, const char *what) {
  return allocate(bytes, what, true);
}

void sks_memory_free(void *memory) {
  if (memory != NULL) {
    header *block = (header *)memory - 1;
    atomic_fetch_sub(&held, block->bytes);
    if (block->slab != NULL)
      free_of_slab(block->slab);
    else if (block->mapped > 0)
      munmap(block, block->mapped);
    else
      free(block);
  }
}

int64_t sks_allocated_bytes(void) { return atomic_load(&held); }

int64_t sks_allocations(void) { return atomic_load(&asked); }
