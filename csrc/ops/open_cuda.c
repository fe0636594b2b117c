#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/backend.h"
#include "core/memory.h"
#include "cpu/cpu.h"
#include "ops/check.h"

static const char FILE_NAME[] = "libsinkstream_cuda.so";

/* `text` as it is: what another library says is no format. */
static int32_t fail(int32_t status, const char *text) { return sks_fail(status, "%s", text); }

/* The path of that name in the folder of this library; false where that is not known. */
static bool beside_this_library(char *path, size_t size) {
  Dl_info self;
  if (!dladdr((const void *)&sks_device_open_cuda, &self) || self.dli_fname == NULL) return false;
  const char *slash = strrchr(self.dli_fname, '/');
  size_t folder = slash == NULL ? 0 : (size_t)(slash + 1 - self.dli_fname);
  if (folder + sizeof FILE_NAME > size) return false;
  memcpy(path, self.dli_fname, folder);
  memcpy(path + folder, FILE_NAME, sizeof FILE_NAME);
  return true;
}

/* It stays loaded for as long as the process lives, for the driver keeps pointers into it. */
static void *load(const char *library) {
  if (library != NULL) return dlopen(library, RTLD_NOW | RTLD_LOCAL);
  const char *named = getenv("SINKSTREAM_CUDA_LIBRARY");
  if (named != NULL && named[0] != '\0') return dlopen(named, RTLD_NOW | RTLD_LOCAL);
  char path[4096];
  bool beside = beside_this_library(path, sizeof path) && access(path, F_OK) == 0;
  return dlopen(beside ? path : FILE_NAME, RTLD_NOW | RTLD_LOCAL);
}

int32_t sks_device_open_cuda(int32_t index, const char *library, sks_device **device) {
  int32_t status = sks_require_range(index, 0, INT32_MAX, "index");
  if (status == SKS_OK) status = sks_require_pointer(device, "device");
  if (status != SKS_OK) return status;
  void *loaded = load(library);
  if (loaded == NULL)
    return sks_fail(SKS_UNSUPPORTED, "the CUDA back end cannot be loaded: %s", dlerror());
  sks_backend_entry *open;
  *(void **)&open = dlsym(loaded, SKS_BACKEND_ENTRY);
  if (open == NULL)
    return sks_fail(SKS_UNSUPPORTED, "the CUDA back end is no library of Sinkstream: %s",
                    dlerror());
  sks_host host = {.version = SKS_BACKEND_VERSION,
                   .fail = fail,
                   .allocate = sks_memory_allocate,
                   .free = sks_memory_free,
                   .account = sks_memory_account,
                   .top_k = sks_cpu_top_k_of_row};
  return open(&host, index, device);
}
