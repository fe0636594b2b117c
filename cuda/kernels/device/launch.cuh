// Launches, and how a kernel starts before the one before it has ended (programmatic dependent
// launch, CUDA programming guide, compute capability 9.0).
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_LAUNCH_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_LAUNCH_CUH

#include <cuda_runtime.h>

#include <cstddef>

struct sks_card {
  int processors, major;
  // Of shared memory: a processor's, the most of a block, and what every block takes for itself.
  int shared_bytes, most_bytes, block_bytes;

  // Whether it has Hopper's instructions and shared memory as large; consumers' later cards do not.
  bool is_large() const { return major >= 9 && shared_bytes >= 200 << 10; }
};

// Of the current device; asked once for each.
static inline cudaError_t sks_card_of(sks_card *card) {
  enum { MOST_DEVICES = 64 };
  static thread_local sks_card cards[MOST_DEVICES];
  int device;
  cudaError_t error = cudaGetDevice(&device);
  if (error != cudaSuccess) return error;
  if (device >= MOST_DEVICES) return cudaErrorInvalidDevice;
  sks_card *known = &cards[device];
  if (known->processors == 0) {
    const struct {
      int *value;
      cudaDeviceAttr of;
    } asked[] = {{&known->major, cudaDevAttrComputeCapabilityMajor},
                 {&known->shared_bytes, cudaDevAttrMaxSharedMemoryPerMultiprocessor},
                 {&known->most_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin},
                 {&known->block_bytes, cudaDevAttrReservedSharedMemoryPerBlock},
                 {&known->processors, cudaDevAttrMultiProcessorCount}};  // last: all is known
    for (const auto &attribute : asked) {
      error = cudaDeviceGetAttribute(attribute.value, attribute.of, device);
      if (error != cudaSuccess) return error;
    }
  }
  *card = *known;
  return cudaSuccess;
}

// `cluster` blocks along x see each other's shared memory; 0: none do. Compute capability 9.0.
template <typename... Parameters, typename... Arguments>
static cudaError_t sks_launch_cluster(void (*kernel)(Parameters...), dim3 grid, dim3 threads,
                                      unsigned cluster, size_t shared_bytes, cudaStream_t stream,
                                      bool overlap, Arguments... arguments) {
  const size_t without_asking = 16 << 10;  // 48 KB, less what a kernel has by itself
  sks_card card = {};
  cudaError_t error = sks_card_of(&card);
  if (error == cudaSuccess && shared_bytes > without_asking)
    error = cudaFuncSetAttribute(reinterpret_cast<const void *>(kernel),
                                 cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 static_cast<int>(shared_bytes));
  if (error != cudaSuccess) return error;
  cudaLaunchAttribute attributes[2] = {};
  unsigned count = 0;
  if (overlap && card.major >= 9) {
    attributes[count].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[count++].val.programmaticStreamSerializationAllowed = 1;
  }
  if (cluster > 0) {
    attributes[count].id = cudaLaunchAttributeClusterDimension;
    attributes[count].val.clusterDim.x = cluster;
    attributes[count].val.clusterDim.y = 1;
    attributes[count++].val.clusterDim.z = 1;
  }
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = threads;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  config.attrs = attributes;
  config.numAttrs = count;
  return cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...);
}

template <typename... Parameters, typename... Arguments>
static cudaError_t sks_launch(void (*kernel)(Parameters...), dim3 grid, dim3 threads,
                              size_t shared_bytes, cudaStream_t stream, bool overlap,
                              Arguments... arguments) {
  return sks_launch_cluster(kernel, grid, threads, 0, shared_bytes, stream, overlap, arguments...);
}

// What was launched before has ended, and its writes are seen. Every kernel that may be launched
// early calls it in every thread, also where it has nothing to wait for: the next kernel relies on
// all that came before having ended when this one has.
__device__ static inline void sks_wait_for_previous() {
#if __CUDA_ARCH__ >= 900
  cudaGridDependencySynchronize();
#endif
}

// From here on the next kernel may start as soon as there is room.
__device__ static inline void sks_let_next_start() {
#if __CUDA_ARCH__ >= 900
  cudaTriggerProgrammaticLaunchCompletion();
#endif
}

#endif
