/* The plain read: every byte, once, whatever the size, the alignment and the threads. */
#include <string.h>

#include "sinkstream/device.h"
#include "support/check.h"
#include "support/guard.h"
#include "support/rng.h"

static uint64_t sum_by_bytes(const uint8_t *from, int64_t bytes) {
  uint64_t sum = 0;
  for (int64_t i = 0; i < bytes; i++) sum += (uint64_t)from[i] << (i % 8 * 8);
  return sum;
}

static void test_sums(uint64_t seed) {
  static const int64_t sizes[] = {0, 1, 7, 8, 127, 128, 129, 4095, 262143, 262144, 262145, 3000001};
  for (int32_t threads = 1; threads <= 4; threads++) {
    sks_device *device;
    REQUIRE(sks_device_open_cpu(threads, NULL, &device) == SKS_OK, "%s", sks_last_error());
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
      for (int at_end = 0; at_end < 2; at_end++) {
        guarded memory = at_end ? guard_end((size_t)sizes[i]) : guard_start((size_t)sizes[i]);
        for (int64_t b = 0; b < sizes[i]; b++) memory.data[b] = (uint8_t)rng_next(&seed);
        uint64_t sum = 1;
        CHECK(sks_buffer_read(device, memory.data, sizes[i], &sum) == SKS_OK, "%s",
              sks_last_error());
        CHECK(sum == sum_by_bytes((const uint8_t *)memory.data, sizes[i]),
              "%lld bytes, %d threads: %llx", (long long)sizes[i], threads,
              (unsigned long long)sum);
        guard_free(memory);
      }
    }
    sks_device_close(device);
  }
}

static void test_refused(void) {
  sks_device *device;
  REQUIRE(sks_device_open_cpu(1, NULL, &device) == SKS_OK, "%s", sks_last_error());
  char byte = 1;
  uint64_t sum = 5;
  CHECK_REFUSED(sks_buffer_read(device, &byte, -1, &sum), SKS_INVALID_ARGUMENT, "bytes is -1");
  CHECK_REFUSED(sks_buffer_read(device, NULL, 1, &sum), SKS_INVALID_ARGUMENT, "buffer is NULL");
  CHECK_REFUSED(sks_buffer_read(device, &byte, 1, NULL), SKS_INVALID_ARGUMENT, "sum is NULL");
  CHECK(sum == 5, "a refused call set the sum");
  sks_device_close(device);
}

int main(int argc, char **argv) {
  test_sums(rng_seed(argc, argv));
  test_refused();
  return check_report();
}
