/* What a device is asked about, its buffers, and a GPU that is not there. */
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sinkstream/attention.h"
#include "sinkstream/device.h"
#include "sinkstream/recording.h"
#include "support/check.h"

static void test_facts(sks_device *device) {
  int64_t total = 0, available = 0;
  REQUIRE(strcmp(sks_device_kind(device), "cpu") == 0, "%s", sks_device_kind(device));
  REQUIRE(sks_device_memory(device, &total, &available) == SKS_OK, "%s", sks_last_error());
  CHECK(available > 0 && available < total, "%lld of %lld", (long long)available, (long long)total);
}

static void test_buffers(sks_device *device) {
  char *a, *b, text[] = "sinks", back[sizeof text] = "";
  int64_t size = sizeof text;
  REQUIRE(sks_buffer_allocate(device, size, (void **)&a) == SKS_OK, "%s", sks_last_error());
  REQUIRE(sks_buffer_allocate(device, size, (void **)&b) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_buffer_upload(device, a, text, size) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_buffer_copy(device, b, a, size) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_buffer_download(device, back, b, size) == SKS_OK, "%s", sks_last_error());
  CHECK(strcmp(back, text) == 0, "'%s'", back);
  CHECK_REFUSED(sks_buffer_upload(device, a, text, -1), SKS_INVALID_ARGUMENT, "bytes is -1");
  CHECK_REFUSED(sks_buffer_copy(device, a, NULL, 1), SKS_INVALID_ARGUMENT, "from is NULL");
  sks_buffer_free(device, a);
  sks_buffer_free(device, b);
}

static void test_recording(sks_device *device) {
  CHECK(!sks_device_records(device), "the CPU records");
  CHECK_REFUSED(sks_recording_begin(device), SKS_UNSUPPORTED, "records nothing");
  CHECK_REFUSED(sks_recording_end(device, NULL), SKS_IMPOSSIBLE, "no recording");
}

static void refused(const char *library, const char *expected) {
  sks_device *device = NULL;
  CHECK_REFUSED(sks_device_open_cuda(0, library, &device), SKS_UNSUPPORTED, expected);
  CHECK(device == NULL, "%s", library);
}

/* To map what is not there would end the process. Also where a name alone is given. */
static void test_library_cut_off(void) {
  char path[] = "/tmp/sinkstream_XXXXXX", content[1000], name[64];
  FILE *whole = fopen("/proc/self/exe", "rb"), *cut = fdopen(mkstemp(path), "wb");
  REQUIRE(whole != NULL && cut != NULL, "no files");
  REQUIRE(fread(content, sizeof content, 1, whole) == 1, "not read");
  REQUIRE(fwrite(content, sizeof content, 1, cut) == 1 && fclose(cut) == 0, "not written");
  fclose(whole);
  refused(path, "the end of the file is missing");
  int before = open(".", O_RDONLY | O_DIRECTORY);
  REQUIRE(before >= 0 && chdir("/tmp") == 0, "no folders");
  snprintf(name, sizeof name, ".%s: the end of the file is missing", strrchr(path, '/'));
  refused(strrchr(path, '/') + 1, name);
  setenv("SINKSTREAM_CUDA_LIBRARY", strrchr(path, '/') + 1, 1);
  refused(NULL, name);
  REQUIRE(fchdir(before) == 0, "not back");
  close(before);
  unlink(path);
}

static void test_absent_gpu(void) {
  sks_device *device;
  CHECK_REFUSED(sks_device_open_cuda(-1, NULL, &device), SKS_INVALID_ARGUMENT, "index is -1");
  refused("/no/such/libsinkstream_cuda.so", "/no/such/libsinkstream_cuda.so");
  struct link_map *math;
  void *loaded = dlopen("libm.so.6", RTLD_LAZY);
  REQUIRE(loaded != NULL && dlinfo(loaded, RTLD_DI_LINKMAP, &math) == 0, "%s", dlerror());
  refused(math->l_name, "no library of Sinkstream");
  refused("libm.so.6", "./libm.so.6: ");
  unsetenv("SINKSTREAM_CUDA_LIBRARY");
  refused(NULL, "libsinkstream_cuda.so; it is built where nvcc 12.5 or newer is");
  setenv("SINKSTREAM_CUDA_LIBRARY", "/no/such/named.so", 1);
  refused(NULL, "/no/such/named.so");
}

int main(void) {
  sks_device *device;
  REQUIRE(sks_device_open_cpu(1, NULL, &device) == SKS_OK, "%s", sks_last_error());
  test_facts(device);
  test_buffers(device);
  test_recording(device);
  test_library_cut_off();
  test_absent_gpu();
  sks_device_close(device);
  return check_report();
}
