/* What whoever asks for a GPU is told where the driver is too old. test_driver DRIVER LIBRARY: what
 * stands in for the driver, and the back end. */
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <stdio.h>

#include "sinkstream/device.h"
#include "support/check.h"

int main(int argc, char **argv) {
  REQUIRE(argc == 3, "usage: %s DRIVER LIBRARY", argv[0]);
  /* It has the driver's name, so that the CUDA runtime gets it where it asks for that. */
  REQUIRE(dlopen(argv[1], RTLD_NOW) != NULL, "%s", dlerror());
  char expected[100];
  snprintf(expected, sizeof expected,
           "the NVIDIA driver is of CUDA 11.4; expected CUDA %d or newer", CUDART_VERSION / 1000);
  sks_device *device;
  CHECK_REFUSED(sks_device_open_cuda(0, argv[2], &device), SKS_UNSUPPORTED, expected);
  return check_report();
}
