/* The default number of threads: what a control group's file says, and what this process may use.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cores.h"
#include "sinkstream/device.h"
#include "support/check.h"

static int32_t cores_of(const char *text) {
  char path[] = "/tmp/sinkstream-cores-XXXXXX";
  int file = mkstemp(path);
  CHECK(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text), "%s", path);
  int32_t cores = sks_quota_cores(path);
  close(file);
  unlink(path);
  return cores;
}

int main(void) {
  CHECK(cores_of("max 100000\n") == INT32_MAX, "no limit");
  CHECK(cores_of("200000 100000\n") == 2, "%d", (int)cores_of("200000 100000\n"));
  CHECK(cores_of("150000 100000\n") == 2, "%d", (int)cores_of("150000 100000\n"));
  CHECK(cores_of("5000 100000\n") == 1, "%d", (int)cores_of("5000 100000\n"));
  CHECK(cores_of("") == INT32_MAX && cores_of("0 0") == INT32_MAX, "no numbers");
  CHECK(sks_quota_cores("/no/such/file") == INT32_MAX, "no file");

  cpu_set_t all, one;
  CHECK(sched_getaffinity(0, sizeof all, &all) == 0, "affinity");
  CHECK(sks_usable_cores() >= 1 && sks_usable_cores() <= CPU_COUNT(&all), "%d",
        (int)sks_usable_cores());
  CPU_ZERO(&one);
  for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
    if (CPU_ISSET(i, &all)) CPU_SET(i, &one);
  CHECK(sched_setaffinity(0, sizeof one, &one) == 0, "affinity");
  sks_device *device;
  CHECK(sks_device_open_cpu(0, NULL, &device) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_device_threads(device) == 1, "%d threads on one core", (int)sks_device_threads(device));
  sks_device_close(device);
  return check_report();
}
