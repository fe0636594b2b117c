#include "core/cores.h"

#include <sched.h>
#include <stdio.h>

int32_t sks_quota_cores(const char *path) {
  FILE *file = fopen(path, "re");
  if (file == NULL) return INT32_MAX;
  long long quota = 0;
  long long period = 0;
  int read = fscanf(file, "%lld %lld", &quota, &period);
  fclose(file);
  if (read != 2 || quota <= 0 || period <= 0) return INT32_MAX;
  long long cores = quota / period + (quota % period != 0);
  return cores < INT32_MAX ? (int32_t)cores : INT32_MAX;
}

int32_t sks_usable_cores(void) {
  cpu_set_t allowed;
  int32_t cores = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
  int32_t quota = sks_quota_cores("/sys/fs/cgroup/cpu.max");
  return quota < cores ? quota : cores;
}
