#include "cpu/cpu.h"

int32_t sks_cpu_widen(sks_device *device, const void *source, int32_t type, int64_t count,
                      float *target) {
  sks_cpu_of(device)->kernels.widen[type](source, count, target);
  return SKS_OK;
}
