// Copies from global to shared memory that a thread starts and later waits for (cp.async).
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_ASYNC_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_ASYNC_CUH

#include <cstdint>

// 16 bytes, past the first-level cache: each is read once. Of `bytes` < 16 the rest becomes zero.
__device__ static inline void sks_copy_16(void *shared, const void *global, int bytes = 16) {
  uint32_t to = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;\n" ::"r"(to), "l"(global),
               "r"(bytes)
               : "memory");
}

// Closes the group of copies that the thread has started since the last one.
__device__ static inline void sks_copy_commit() {
  asm volatile("cp.async.commit_group;\n" ::: "memory");
}

// All but the newest `groups` groups of this thread have arrived.
template <int groups>
__device__ static inline void sks_copy_wait() {
  asm volatile("cp.async.wait_group %0;\n" ::"n"(groups) : "memory");
}

#endif
