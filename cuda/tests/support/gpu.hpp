// Device memory for tests, and how a test starts.
#ifndef SINKSTREAM_CUDA_TESTS_SUPPORT_GPU_HPP
#define SINKSTREAM_CUDA_TESTS_SUPPORT_GPU_HPP

#include <cuda_runtime.h>

#include <vector>

#include "support/error.h"
#include "support/no_gpu.hpp"
#include "support/reference.hpp"

enum { SKIPPED = 77 };  // what ctest takes for a test that could not run

#define GPU(call)                                                           \
  do {                                                                      \
    cudaError_t gpu_error = (call);                                         \
    REQUIRE(gpu_error == cudaSuccess, "%s", cudaGetErrorString(gpu_error)); \
  } while (0)

// Ends the test with SKIPPED where there is no GPU; opens the reference kernels of the CPU.
static inline sks_device *start_test() {
  if (const char *reason = why_no_gpu()) {
    printf("skipped: %s\n", reason);
    exit(SKIPPED);
  }
  sks_device *device;
  REQUIRE(sks_device_open_cpu(0, "reference", &device) == SKS_OK, "%s", sks_last_error());
  return device;
}

// Device memory whose first state is poison: all bits set, a NaN in every float type.
template <typename T>
class gpu_array {
 public:
  explicit gpu_array(size_t count = 0) { resize(count); }
  explicit gpu_array(const std::vector<T> &values) {
    resize(values.size());
    put(values);
  }
  gpu_array(const gpu_array &) = delete;
  gpu_array &operator=(const gpu_array &) = delete;
  ~gpu_array() { cudaFree(memory); }

  void resize(size_t count) {
    cudaFree(memory);
    memory = nullptr;
    size = count;
    GPU(cudaMalloc(reinterpret_cast<void **>(&memory), (count ? count : 1) * sizeof(T)));
    poison();
  }
  void poison() { GPU(cudaMemset(memory, 0xff, size * sizeof(T))); }
  void zero() { GPU(cudaMemset(memory, 0, size * sizeof(T))); }
  void put(const std::vector<T> &values) {
    GPU(cudaMemcpy(memory, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
  }
  std::vector<T> get() const {
    std::vector<T> values(size);
    GPU(cudaMemcpy(values.data(), memory, size * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }
  operator T *() const { return memory; }

 private:
  T *memory = nullptr;
  size_t size = 0;
};

static inline std::vector<float> random_floats(uint64_t *seed, size_t count, float scale) {
  std::vector<float> values(count);
  rng_fill(seed, values.data(), static_cast<int64_t>(count), scale);
  return values;
}

// The largest difference, relative to the largest expected magnitude; NaN where there is one.
static inline double error_of(const float *found, const float *expected, size_t count) {
  double largest = 1e-30, error = 0;
  for (size_t i = 0; i < count; i++) {
    double difference = fabs(static_cast<double>(found[i]) - expected[i]);
    largest = fmax(largest, fabs(expected[i]));
    error = worse_error(error, difference);
  }
  return error / largest;
}

static inline bool same_bits(const std::vector<float> &a, const std::vector<float> &b) {
  return a.size() == b.size() && memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

#endif
