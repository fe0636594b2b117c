#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
  if (slash == NULL) return false;
  size_t folder = (size_t)(slash + 1 - self.dli_fname);
  if (folder + sizeof FILE_NAME > size) return false;
  memcpy(path, self.dli_fname, folder);
  memcpy(path + folder, FILE_NAME, sizeof FILE_NAME);
  return true;
}

/* Always with a slash: a name alone is a file of the current folder, where the dynamic linker would
 * look elsewhere and open what nobody has looked at. NULL and the last error: there is none. */
static const char *find(const char *library, char *room, size_t size) {
  const char *named = library != NULL ? library : getenv("SINKSTREAM_CUDA_LIBRARY");
  if (named != NULL && strchr(named, '/') != NULL) return named;
  if (named != NULL && named[0] != '\0') {
    snprintf(room, size, "./%s", named); /* no file has a name that is cut here */
    return room;
  }
  bool known = beside_this_library(room, size);
  if (known && access(room, F_OK) == 0) return room;
  sks_fail(SKS_UNSUPPORTED,
           "there is no CUDA back end: looked for %s; it is built where nvcc 12.5 or newer is, "
           "comes in the library's jar for CUDA, or SINKSTREAM_CUDA_LIBRARY names one",
           known ? room : FILE_NAME);
  return NULL;
}

/* Whether the end of a library is missing: to load it would end the process. */
static bool is_cut_off(const char *path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false; /* the dynamic linker says why */
  ElfW(Ehdr) header;
  struct stat facts;
  bool known = fstat(file, &facts) == 0 && read(file, &header, sizeof header) == sizeof header &&
               memcmp(header.e_ident, ELFMAG, SELFMAG) == 0;
  close(file);
  return known && header.e_shoff + (uint64_t)header.e_shnum * header.e_shentsize >
                      (uint64_t)facts.st_size; /* the sections' headers are its end */
}

int32_t sks_device_open_cuda(int32_t index, const char *library, sks_device **device) {
  int32_t status = sks_require_range(index, 0, INT32_MAX, "index");
  if (status == SKS_OK) status = sks_require_pointer(device, "device");
  if (status != SKS_OK) return status;
  char room[4096];
  const char *path = find(library, room, sizeof room);
  if (path == NULL) return SKS_UNSUPPORTED;
  if (is_cut_off(path))
    return sks_fail(SKS_UNSUPPORTED,
                    "the CUDA back end cannot be loaded: %s: the end of the file is missing", path);
  /* It stays loaded for as long as the process lives, for the driver keeps pointers into it. */
  void *loaded = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (loaded == NULL)
    return sks_fail(SKS_UNSUPPORTED, "the CUDA back end cannot be loaded: %s", dlerror());
  sks_backend_entry *entry;
  *(void **)&entry = dlsym(loaded, SKS_BACKEND_ENTRY);
  if (entry == NULL)
    return sks_fail(SKS_UNSUPPORTED, "the CUDA back end is no library of Sinkstream: %s",
                    dlerror());
  sks_host host = {.version = SKS_BACKEND_VERSION,
                   .fail = fail,
                   .allocate = sks_memory_allocate,
                   .free = sks_memory_free,
                   .account = sks_memory_account,
                   .top_k = sks_cpu_top_k_of_row};
  return entry(&host, index, device);
}
