#include <stdlib.h>

#include "core/cores.h"
#include "core/dispatch.h"
#include "core/memory.h"
#include "cpu/cpu.h"
#include "ops/check.h"

/* What an environment variable says; NULL where it says nothing. */
static const char *environment(const char *name) {
  const char *value = getenv(name);
  return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Threads where the caller asks for none in particular. */
static int32_t default_threads(int32_t *threads) {
  const char *text = environment("SINKSTREAM_THREADS");
  if (text == NULL) {
    *threads = sks_usable_cores();
    return SKS_OK;
  }
  char *end;
  long number = strtol(text, &end, 10);
  if (*end != '\0' || number < 1 || number > SKS_MAX_THREADS)
    return sks_fail(SKS_INVALID_ARGUMENT, "SINKSTREAM_THREADS is '%s'; expected 1 to %d", text,
                    SKS_MAX_THREADS);
  *threads = (int32_t)number;
  return SKS_OK;
}

int32_t sks_device_open_cpu(int32_t threads, const char *isa, sks_device **device) {
  int32_t status = sks_require_range(threads, 0, SKS_MAX_THREADS, "threads");
  if (status == SKS_OK && threads == 0) status = default_threads(&threads);
  if (status != SKS_OK) return status;
  if (isa == NULL) isa = environment("SINKSTREAM_ISA");
  sks_cpu *opened = sks_memory_allocate(sizeof *opened, "device");
  if (opened == NULL) return SKS_OUT_OF_MEMORY;
  status = sks_dispatch(isa, &opened->kernels);
  if (status == SKS_OK) status = sks_pool_create(threads, &opened->pool);
  if (status != SKS_OK) {
    sks_memory_free(opened);
    return status;
  }
  opened->base = (sks_device){.backend = &sks_cpu_backend,
                              .kind = "cpu",
                              .name = "CPU",
                              .isa = opened->kernels.isa,
                              .threads = threads};
  *device = &opened->base;
  return SKS_OK;
}
