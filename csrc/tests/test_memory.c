/* Memory: counted to the byte, aligned, zeroed, and refused with the number of bytes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "sinkstream/device.h"
#include "support/check.h"

static void test_counting(void) {
  int64_t bytes = sks_allocated_bytes(), allocations = sks_allocations();
  char *blocks[70];
  for (int64_t i = 0; i < 70; i++) {
    blocks[i] = sks_memory_allocate(i, "block");
    CHECK((uintptr_t)blocks[i] % 64 == 0, "%p", (void *)blocks[i]);
    for (int64_t j = 0; j < i; j++)
      CHECK(blocks[i][j] == 0, "byte %lld of %lld", (long long)j, (long long)i);
    memset(blocks[i], 0xff, (size_t)i);
  }
  CHECK(sks_allocated_bytes() - bytes == 69 * 70 / 2, "%lld",
        (long long)(sks_allocated_bytes() - bytes));
  CHECK(sks_allocations() - allocations == 70, "%lld",
        (long long)(sks_allocations() - allocations));
  for (int i = 0; i < 70; i++) sks_memory_free(blocks[i]);
  sks_memory_free(NULL);
  CHECK(sks_allocated_bytes() == bytes, "%lld left", (long long)(sks_allocated_bytes() - bytes));
}

static void test_refused(void) {
  int64_t bytes = sks_allocated_bytes(), allocations = sks_allocations();
  static const int64_t impossible[] = {INT64_MAX, INT64_MAX - 63, INT64_C(1) << 62, -1, INT64_MIN};
  for (int i = 0; i < 5; i++) CHECK(sks_memory_allocate(impossible[i], "block") == NULL, "%d", i);
  CHECK(sks_memory_allocate(INT64_C(1) << 60, "the thing") == NULL, "2^60 bytes");
  CHECK(strstr(sks_last_error(), "the thing takes 1152921504606846976 bytes"), "%s",
        sks_last_error());
  sks_device *device;
  void *buffer = NULL;
  CHECK(sks_device_open_cpu(1, NULL, &device) == SKS_OK, "%s", sks_last_error());
  CHECK_REFUSED(sks_buffer_allocate(device, INT64_C(1) << 60, &buffer), SKS_OUT_OF_MEMORY,
                "1152921504606846976");
  CHECK(buffer == NULL, "a refused call set the buffer");
  int64_t with_device = sks_allocated_bytes();
  CHECK(sks_buffer_allocate(device, 1001, &buffer) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_allocated_bytes() - with_device == 1001, "%lld",
        (long long)(sks_allocated_bytes() - with_device));
  sks_buffer_free(device, buffer);
  sks_buffer_free(device, NULL);
  sks_device_close(device);
  sks_device_close(NULL);
  CHECK(sks_allocated_bytes() == bytes, "%lld left", (long long)(sks_allocated_bytes() - bytes));
  CHECK(sks_allocations() > allocations, "the device asked for none");
}

/* Blocks beside each other, of many sizes, freed in another order. */
static void test_in_slab(void) {
  enum { BLOCKS = 40 };
  int64_t bytes = sks_allocated_bytes(), sum = 0;
  unsigned char *blocks[BLOCKS];
  for (int64_t i = 0; i < BLOCKS; i++) {
    int64_t size = i == 20 ? INT64_C(70) << 20 : i * 333333;
    blocks[i] = sks_memory_allocate_in_slab(size, "block");
    REQUIRE(blocks[i] != NULL, "%s", sks_last_error());
    CHECK((uintptr_t)blocks[i] % 64 == 0, "%p", (void *)blocks[i]);
    bool zero = true;
    for (int64_t j = 0; j < size; j++) zero &= blocks[i][j] == 0;
    CHECK(zero, "block %lld is not zeroed", (long long)i);
    memset(blocks[i], (int)i + 1, (size_t)size);
    sum += size;
  }
  CHECK(sks_allocated_bytes() - bytes == sum, "%lld", (long long)(sks_allocated_bytes() - bytes));
  for (int i = 0; i < BLOCKS; i++) {
    int at = i * 7 % BLOCKS;
    if (at > 0) CHECK(blocks[at][0] == at + 1, "block %d was overwritten", at);
    sks_memory_free(blocks[at]);
  }
  CHECK(sks_allocated_bytes() == bytes, "%lld left", (long long)(sks_allocated_bytes() - bytes));
  CHECK(sks_memory_allocate_in_slab(INT64_C(1) << 60, "the thing") == NULL, "2^60 bytes");
}

/* Of the system's own words; -1 where it has none. */
static int64_t said_to_be_available(void) {
  char text[4096] = "";
  FILE *file = fopen("/proc/meminfo", "r");
  if (file == NULL) return -1;
  fread(text, 1, sizeof text - 1, file);
  fclose(file);
  const char *at = strstr(text, "MemAvailable:");
  return at == NULL ? -1 : atoll(at + strlen("MemAvailable:")) * 1024;
}

/* With the system's cache of files, which is not free but can be had. */
static void test_available(void) {
  if (said_to_be_available() < 0) {
    printf("skipped: the system does not tell what memory is available\n");
    return;
  }
  /* Other processes take and give meanwhile: of many looks, one meets a quiet moment. */
  int64_t nearest = INT64_MAX;
  for (int i = 0; i < 1000 && nearest > 1 << 20; i++) {
    int64_t found = sks_memory_available(), off = llabs(found - said_to_be_available());
    CHECK(found > 0 && found <= sks_memory_of_machine(), "%lld", (long long)found);
    if (off < nearest) nearest = off;
  }
  CHECK(nearest <= 1 << 20, "%lld bytes off", (long long)nearest);
}

int main(void) {
  test_available();
  test_counting();
  test_in_slab();
  test_refused();
  return check_report();
}
