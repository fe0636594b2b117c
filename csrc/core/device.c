#include "core/device.h"

#include <stdlib.h>

#include "core/cores.h"
#include "core/dispatch.h"
#include "core/fail.h"
#include "core/memory.h"

#define MAX_THREADS 1024

int32_t sks_device_open_cpu(int32_t threads, const char *isa, sks_device **device) {
  if (threads < 0 || threads > MAX_THREADS) {
    return sks_fail(SKS_INVALID_ARGUMENT, "threads is %d; expected 0 to %d", threads, MAX_THREADS);
  }
  const char *environment = getenv("SINKSTREAM_ISA");
  if (isa == NULL && environment != NULL && environment[0] != '\0') {
    isa = environment;
  }
  sks_device *opened = sks_memory_allocate(sizeof *opened, "device");
  if (opened == NULL) {
    return SKS_OUT_OF_MEMORY;
  }
  int32_t status = sks_dispatch(isa, &opened->kernels);
  if (status == SKS_OK) {
    status = sks_pool_create(threads == 0 ? sks_usable_cores() : threads, &opened->pool);
  }
  if (status != SKS_OK) {
    sks_memory_free(opened);
    return status;
  }
  *device = opened;
  return SKS_OK;
}

void sks_device_close(sks_device *device) {
  if (device != NULL) {
    sks_pool_destroy(device->pool);
    sks_memory_free(device);
  }
}

int32_t sks_device_threads(const sks_device *device) { return sks_pool_threads(device->pool); }

const char *sks_device_isa(const sks_device *device) { return device->kernels.isa; }

int32_t sks_buffer_allocate(sks_device *device, int64_t bytes, void **buffer) {
  (void)device;
  void *allocated = sks_memory_allocate(bytes, "buffer");
  if (allocated == NULL) {
    return SKS_OUT_OF_MEMORY;
  }
  *buffer = allocated;
  return SKS_OK;
}

void sks_buffer_free(sks_device *device, void *buffer) {
  (void)device;
  sks_memory_free(buffer);
}
