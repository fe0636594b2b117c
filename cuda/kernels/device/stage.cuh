// Pieces of global memory on their way to shared memory while a group of threads works on those
// that came before. On Hopper the copy engine brings a piece at the word of one thread
// (cp.async.bulk, completion on an mbarrier; PTX ISA, "Data movement and conversion"); before it,
// every thread copies its share (cp.async).
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_STAGE_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_STAGE_CUH

#include "cuda/kernels/device/async.cuh"

// A barrier that counts bytes.
struct sks_arrivals {
  uint64_t state;
};

__device__ static inline uint32_t sks_shared_address(const void *shared) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(shared));
}

// By one thread, before anyone waits: then the block meets. A phase needs `count` arrivals.
__device__ static inline void sks_arrivals_init(sks_arrivals *barrier, uint32_t count = 1) {
#if __CUDA_ARCH__ >= 900
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;\n" ::"r"(sks_shared_address(barrier)),
               "r"(count)
               : "memory");
#endif
}

// What the thread wrote to shared memory comes before copies that are started after the next
// barrier.
__device__ static inline void sks_copies_follow() {
#if __CUDA_ARCH__ >= 900
  asm volatile("fence.proxy.async.shared::cta;\n" ::: "memory");
#endif
}

// After the last init of the thread.
__device__ static inline void sks_arrivals_ready() {
#if __CUDA_ARCH__ >= 900
  asm volatile("fence.mbarrier_init.release.cluster;\n" ::: "memory");
#endif
}

// The phase completes when so many bytes have come.
__device__ static inline void sks_arrivals_expect(sks_arrivals *barrier, uint32_t bytes) {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;\n" ::"r"(sks_shared_address(barrier)),
      "r"(bytes)
      : "memory");
#endif
}

// Waits for the phase of this parity: 0 for the first, 1 for the second, and so on.
__device__ static inline void sks_arrivals_wait(sks_arrivals *barrier, uint32_t parity) {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@done bra through;\n"
      "bra again;\n"
      "through:\n"
      "}\n" ::"r"(sks_shared_address(barrier)),
      "r"(parity)
      : "memory");
#endif
}

// Arrives without bytes, if `arrives`: a branch is what products that are on their way (wgmma)
// would not bear.
__device__ static inline void sks_arrivals_arrive(sks_arrivals *barrier, bool arrives) {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "{\n"
      ".reg .pred arrives;\n"
      "setp.ne.u32 arrives, %1, 0;\n"
      "@arrives mbarrier.arrive.shared::cta.b64 _, [%0];\n"
      "}\n" ::"r"(sks_shared_address(barrier)),
      "r"(static_cast<int>(arrives))
      : "memory");
#endif
}

// Copies that the thread starts from here on see what it sees of global memory.
__device__ static inline void sks_copies_see() {
#if __CUDA_ARCH__ >= 900
  asm volatile("fence.proxy.async.global;\n" ::: "memory");
#endif
}

// A multiple of 16 bytes, both sides aligned to 16; by one thread.
__device__ static inline void sks_bulk_copy(void *shared, const void *global, uint32_t bytes,
                                            sks_arrivals *barrier) {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];\n" ::
          "r"(sks_shared_address(shared)),
      "l"(global), "r"(bytes), "r"(sks_shared_address(barrier))
      : "memory");
#endif
}

// The same of what nobody reads again soon: it leaves the second-level cache first.
__device__ static inline void sks_bulk_copy_once(void *shared, const void *global, uint32_t bytes,
                                                 sks_arrivals *barrier) {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "{\n"
      ".reg .b64 once;\n"
      "createpolicy.fractional.L2::evict_first.b64 once, 1.0;\n"
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint "
      "[%0], [%1], %2, [%3], once;\n"
      "}\n" ::"r"(sks_shared_address(shared)),
      "l"(global), "r"(bytes), "r"(sks_shared_address(barrier))
      : "memory");
#endif
}

#endif
