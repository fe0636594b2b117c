/* Which kernels a device gets: by name, by the environment, by the machine; and what is refused. */
#include <stdlib.h>
#include <string.h>

#include "core/dispatch.h"
#include "core/features.h"
#include "sinkstream/device.h"
#include "support/check.h"

static void opens_as(const char *isa, const char *expected) {
  sks_device *device = NULL;
  if (CHECK(sks_device_open_cpu(1, isa, &device) == SKS_OK, "%s", sks_last_error())) {
    CHECK(strcmp(sks_device_isa(device), expected) == 0, "'%s' opened '%s'; expected '%s'",
          isa ? isa : "NULL", sks_device_isa(device), expected);
    sks_device_close(device);
  }
}

/* Every slot is a pointer, as the table has no other fields but the name in front. */
static void no_slot_is_null(const sks_kernels *table) {
  void *slots[sizeof *table / sizeof(void *)];
  memcpy(slots, table, sizeof slots);
  for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
    CHECK(slots[i] != NULL, "slot %zu of %s", i, table->isa);
  }
}

static void test_names(const char *best) {
  sks_features has = sks_features_of_this_machine();
  sks_device *device = NULL;
  opens_as("reference", "reference");
  opens_as(NULL, best);
  if (has.avx2) {
    opens_as("avx2", "avx2");
  } else {
    CHECK_REFUSED(sks_device_open_cpu(1, "avx2", &device), SKS_UNSUPPORTED, "reference");
  }
  if (has.avx512) {
    opens_as("avx512", best);
  } else {
    CHECK_REFUSED(sks_device_open_cpu(1, "avx512", &device), SKS_UNSUPPORTED, "reference");
  }
  CHECK_REFUSED(sks_device_open_cpu(1, "sse9", &device), SKS_INVALID_ARGUMENT,
                "instruction set 'sse9' is unknown; this machine has reference");
  CHECK_REFUSED(sks_device_open_cpu(1, "", &device), SKS_INVALID_ARGUMENT, "''");
  CHECK(device == NULL, "a refused call set the device");
}

static void test_environment(const char *best) {
  sks_device *device = NULL;
  setenv("SINKSTREAM_ISA", "reference", 1);
  opens_as(NULL, "reference");
  if (sks_features_of_this_machine().avx512) opens_as("avx512", best);
  setenv("SINKSTREAM_ISA", "AVX2", 1);
  CHECK_REFUSED(sks_device_open_cpu(1, NULL, &device), SKS_INVALID_ARGUMENT, "'AVX2'");
  setenv("SINKSTREAM_ISA", "", 1);
  opens_as(NULL, best);
  unsetenv("SINKSTREAM_ISA");
}

static void test_threads(void) {
  sks_device *device = NULL;
  CHECK_REFUSED(sks_device_open_cpu(-1, NULL, &device), SKS_INVALID_ARGUMENT, "threads is -1");
  CHECK_REFUSED(sks_device_open_cpu(1025, NULL, &device), SKS_INVALID_ARGUMENT, "1025");
  CHECK(sks_device_open_cpu(3, NULL, &device) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_device_threads(device) == 3, "%d", sks_device_threads(device));
  sks_device_close(device);
  CHECK(sks_device_open_cpu(0, NULL, &device) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_device_threads(device) >= 1, "%d", sks_device_threads(device));
  sks_device_close(device);
}

static void test_threads_of_the_environment(void) {
  sks_device *device = NULL;
  setenv("SINKSTREAM_THREADS", "3", 1);
  REQUIRE(sks_device_open_cpu(0, NULL, &device) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_device_threads(device) == 3, "%d threads", sks_device_threads(device));
  sks_device_close(device);
  REQUIRE(sks_device_open_cpu(1, NULL, &device) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_device_threads(device) == 1, "%d threads", sks_device_threads(device));
  sks_device_close(device);
  static const char *const bad[] = {"0", "-1", "1025", "two", "2x", "99999999999999999999"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    setenv("SINKSTREAM_THREADS", bad[i], 1);
    CHECK_REFUSED(sks_device_open_cpu(0, NULL, &device), SKS_INVALID_ARGUMENT, bad[i]);
  }
  unsetenv("SINKSTREAM_THREADS");
}

int main(void) {
  unsetenv("SINKSTREAM_ISA"); /* what is tested here must not depend on it */
  sks_kernels table;
  int32_t levels = 0;
  while (sks_dispatch_level(levels, &table)) {
    no_slot_is_null(&table);
    levels++;
  }
  CHECK(levels >= 1, "%d", (int)levels);
  const char *best = "reference";
  if (sks_dispatch_level(levels - 1, &table)) best = table.isa;
  test_names(best);
  test_environment(best);
  test_threads_of_the_environment();
  test_threads();
  return check_report();
}
