// The blocks of a cluster: their shared memory, and barriers of each other (PTX ISA, "mapa",
// "mbarrier", "barrier.cluster"). Compute capability 9.0.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_CLUSTER_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_CLUSTER_CUH

#include "cuda/kernels/device/stage.cuh"

__device__ static inline int sks_cluster_rank() {
  uint32_t rank = 0;
#if __CUDA_ARCH__ >= 900
  asm("mov.u32 %0, %%cluster_ctarank;\n" : "=r"(rank));
#endif
  return static_cast<int>(rank);
}

// All threads of the cluster; in one piece, as racecheck holds a thread that waits until all do. It
// orders no writes but those of barriers that sks_arrivals_ready closed.
__device__ static inline void sks_cluster_meet() {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "barrier.cluster.arrive.relaxed;\n"
      "barrier.cluster.wait.acquire;\n" ::
          : "memory");
#endif
}

__device__ static inline void sks_arrivals_wait_cluster(sks_arrivals *barrier, uint32_t parity) {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again:\n"
      "mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 done, [%0], %1;\n"
      "@done bra through;\n"
      "bra again;\n"
      "through:\n"
      "}\n" ::"r"(sks_shared_address(barrier)),
      "r"(parity)
      : "memory");
#endif
}

// Two numbers to the same place of block `rank`, aligned to 8 bytes; whoever waits there for their
// bytes sees them. Nothing that the thread did before comes along.
__device__ static inline void sks_cluster_send_two(float2 x, float *shared, sks_arrivals *barrier,
                                                   int rank) {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "{\n"
      ".reg .b32 to, at;\n"
      "mapa.shared::cluster.u32 to, %0, %4;\n"
      "mapa.shared::cluster.u32 at, %1, %4;\n"
      "st.async.shared::cluster.mbarrier::complete_tx::bytes.v2.b32 [to], {%2, %3}, [at];\n"
      "}\n" ::"r"(sks_shared_address(shared)),
      "r"(sks_shared_address(barrier)), "r"(__float_as_uint(x.x)), "r"(__float_as_uint(x.y)),
      "r"(rank)
      : "memory");
#endif
}

#endif
