/* What core/fail.h and core/memory.h promise, by way of the library that opened this one: an error
 * text is read there, and bytes are counted there. */
#include "cuda/backend/host.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/fail.h"
#include "core/memory.h"

sks_host sks_gpu_host;

int32_t sks_fail(int32_t status, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return sks_gpu_host.fail(status, text);
}

void *sks_memory_allocate(int64_t bytes, const char *what) {
  return sks_gpu_host.allocate(bytes, what);
}

void sks_memory_free(void *memory) { sks_gpu_host.free(memory); }

void sks_memory_account(int64_t bytes, int64_t allocations) {
  sks_gpu_host.account(bytes, allocations);
}
