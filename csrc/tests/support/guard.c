#include "support/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/round_up.h"

/* A page, `bytes` rounded up to pages, a page; `data` at the start of those between. */
static guarded map(size_t bytes, size_t *room) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  *room = (size_t)sks_round_up((int64_t)bytes, (int64_t)page);
  guarded buffer = {.mapped = *room + 2 * page};
  buffer.mapping = mmap(NULL, buffer.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (buffer.mapping == MAP_FAILED ||
      mprotect(buffer.mapping + page, *room, PROT_READ | PROT_WRITE) != 0) {
    perror("guarded buffer");
    exit(1);
  }
  buffer.data = buffer.mapping + page;
  return buffer;
}

guarded guard_end(size_t bytes) {
  size_t room;
  guarded buffer = map(bytes, &room);
  buffer.data += room - bytes;
  return buffer;
}

guarded guard_start(size_t bytes) {
  size_t room;
  return map(bytes, &room);
}

void guard_free(guarded buffer) { munmap(buffer.mapping, buffer.mapped); }
