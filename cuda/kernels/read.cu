#include "cuda/kernels/read.h"

namespace {

constexpr int kThreads = 512;
constexpr int kBlocksPerProcessor = 4;
constexpr int kAtOnce = 4;  // loads of a thread in flight

__device__ uint64_t word(const unsigned char *at, int64_t bytes) {
  uint64_t value = 0;
  for (int64_t i = 0; i < bytes; i++) value |= static_cast<uint64_t>(at[i]) << (8 * i);
  return value;
}

__device__ uint64_t sum_of(uint4 v) {
  return (static_cast<uint64_t>(v.y) << 32 | v.x) + (static_cast<uint64_t>(v.w) << 32 | v.z);
}

__global__ void __launch_bounds__(kThreads)
    read_aligned(const uint4 *buffer, int64_t count, uint64_t *sum) {
  uint64_t mine = 0;
  const int64_t step = static_cast<int64_t>(gridDim.x) * kThreads;
  int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  for (; i + (kAtOnce - 1) * step < count; i += kAtOnce * step) {
    uint4 v[kAtOnce];
#pragma unroll
    for (int k = 0; k < kAtOnce; k++) v[k] = __ldcs(buffer + i + k * step);
#pragma unroll
    for (int k = 0; k < kAtOnce; k++) mine += sum_of(v[k]);
  }
  for (; i < count; i += step) mine += sum_of(__ldcs(buffer + i));
  for (int lane = 16; lane > 0; lane /= 2) mine += __shfl_xor_sync(0xffffffffu, mine, lane);
  if (threadIdx.x % 32 == 0) atomicAdd(reinterpret_cast<unsigned long long *>(sum), mine);
}

// What is left over, and buffers at other alignments.
__global__ void read_words(const unsigned char *buffer, int64_t bytes, uint64_t *sum) {
  uint64_t mine = 0;
  for (int64_t i = 8 * (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x); i < bytes;
       i += 8 * static_cast<int64_t>(gridDim.x) * blockDim.x) {
    mine += word(buffer + i, bytes - i < 8 ? bytes - i : 8);
  }
  if (mine != 0) atomicAdd(reinterpret_cast<unsigned long long *>(sum), mine);
}

}  // namespace

cudaError_t sks_cuda_read(cudaStream_t stream, const void *buffer, int64_t bytes, uint64_t *sum) {
  int device = 0, processors = 1;
  cudaError_t error = cudaGetDevice(&device);
  if (error == cudaSuccess)
    error = cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
  if (error == cudaSuccess) error = cudaMemsetAsync(sum, 0, sizeof *sum, stream);
  if (error != cudaSuccess) return error;
  const int64_t aligned = reinterpret_cast<uintptr_t>(buffer) % 16 == 0 ? bytes / 16 : 0;
  if (aligned > 0) {
    read_aligned<<<processors * kBlocksPerProcessor, kThreads, 0, stream>>>(
        static_cast<const uint4 *>(buffer), aligned, sum);
  }
  const int64_t left = bytes - 16 * aligned;
  if (left > 0) {
    read_words<<<processors, kThreads, 0, stream>>>(
        static_cast<const unsigned char *>(buffer) + 16 * aligned, left, sum);
  }
  return cudaGetLastError();
}
