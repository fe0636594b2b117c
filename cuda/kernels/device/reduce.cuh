// Sums and maxima over the lanes of a warp and the threads of a block. Orders are fixed.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_REDUCE_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_REDUCE_CUH

enum { SKS_WARP = 32, SKS_MOST_WARPS = 32 };

template <int lanes = SKS_WARP>
__device__ static inline float sks_warp_sum(float x) {
#pragma unroll
  for (int apart = lanes / 2; apart > 0; apart /= 2) x += __shfl_xor_sync(~0u, x, apart);
  return x;
}

template <int lanes = SKS_WARP>
__device__ static inline float sks_warp_max(float x) {
#pragma unroll
  for (int apart = lanes / 2; apart > 0; apart /= 2) x = fmaxf(x, __shfl_xor_sync(~0u, x, apart));
  return x;
}

// The number of a thread in a block of one or two dimensions.
__device__ static inline int sks_block_thread() {
  return static_cast<int>(threadIdx.y * blockDim.x + threadIdx.x);
}

// The sum over the block, in every thread; `scratch` [SKS_MOST_WARPS] is free to use again after
// the next barrier.
__device__ static inline float sks_block_sum(float x, float *scratch) {
  int lane = sks_block_thread() % SKS_WARP, warp = sks_block_thread() / SKS_WARP;
  int warps = static_cast<int>(blockDim.x * blockDim.y) / SKS_WARP;
  x = sks_warp_sum(x);
  if (lane == 0) scratch[warp] = x;
  __syncthreads();
  return sks_warp_sum(lane < warps ? scratch[lane] : 0.0f);
}

__device__ static inline float sks_warp_sums(const float (&x)[1]) { return sks_warp_sum(x[0]); }

// Four sums over a warp for six exchanges: lane l has that of x[l / 8].
__device__ static inline float sks_warp_sums(const float (&x)[4]) {
  bool upper = threadIdx.x & 16;
  float a = upper ? x[2] : x[0], b = upper ? x[3] : x[1];
  a += __shfl_xor_sync(~0u, upper ? x[0] : x[2], 16);
  b += __shfl_xor_sync(~0u, upper ? x[1] : x[3], 16);
  bool odd = threadIdx.x & 8;
  float sum = odd ? b : a;
  sum += __shfl_xor_sync(~0u, odd ? a : b, 8);
  return sks_warp_sum<8>(sum);
}

#endif
