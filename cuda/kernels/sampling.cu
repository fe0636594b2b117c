#include <cmath>
#include <cstdint>

#include "cuda/kernels/device/launch.cuh"
#include "cuda/kernels/device/reduce.cuh"
#include "cuda/kernels/sampling.h"

namespace {

enum { THREADS = 1024, DIGIT_BITS = 8, DIGITS = 1 << DIGIT_BITS };

// What comes first is larger, as one number: by value, NaN below all, then by lower index. No two
// elements have the same.
__device__ uint64_t key_of(float x, int32_t index) {
  uint32_t bits = __float_as_uint(x + 0.0f);  // -0 is 0
  uint32_t order = x != x ? 0 : bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return static_cast<uint64_t>(order) << 32 | ~static_cast<uint32_t>(index);
}

__device__ int32_t index_of(uint64_t key) {
  return static_cast<int32_t>(~static_cast<uint32_t>(key));
}

__device__ uint64_t larger(uint64_t a, uint64_t b) { return a > b ? a : b; }

__device__ uint64_t warp_largest(uint64_t key) {
#pragma unroll
  for (int apart = SKS_WARP / 2; apart > 0; apart /= 2)
    key = larger(key, __shfl_xor_sync(~0u, key, apart));
  return key;
}

__global__ __launch_bounds__(THREADS) void argmax(const float *logits, int32_t count,
                                                  int32_t *index) {
  __shared__ uint64_t found[SKS_MOST_WARPS];
  sks_let_next_start();
  sks_wait_for_previous();
  const float *row = logits + static_cast<int64_t>(blockIdx.x) * count;
  uint64_t best = 0;
#pragma unroll 4
  for (int32_t i = static_cast<int32_t>(threadIdx.x); i < count; i += THREADS)
    best = larger(best, key_of(row[i], i));
  best = warp_largest(best);
  if (threadIdx.x % SKS_WARP == 0) found[threadIdx.x / SKS_WARP] = best;
  __syncthreads();
  if (threadIdx.x >= SKS_WARP) return;
  best = warp_largest(found[threadIdx.x]);
  if (threadIdx.x == 0) index[blockIdx.x] = index_of(best);
}

// The k-th largest key, digit by digit from the top (radix selection).
__device__ uint64_t select(const float *logits, int32_t count, int32_t k) {
  __shared__ int32_t counts[DIGITS];
  __shared__ uint64_t prefix;
  __shared__ int32_t left;
  if (threadIdx.x == 0) {
    prefix = 0;
    left = k;
  }
  for (int shift = 64 - DIGIT_BITS; shift >= 0; shift -= DIGIT_BITS) {
    if (threadIdx.x < DIGITS) counts[threadIdx.x] = 0;
    __syncthreads();
    uint64_t above = shift + DIGIT_BITS < 64 ? prefix >> (shift + DIGIT_BITS) : 0;
    for (int32_t i = static_cast<int32_t>(threadIdx.x); i < count; i += THREADS) {
      uint64_t key = key_of(logits[i], i);
      uint64_t own = shift + DIGIT_BITS < 64 ? key >> (shift + DIGIT_BITS) : 0;
      if (own == above) atomicAdd(&counts[key >> shift & (DIGITS - 1)], 1);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      int digit = DIGITS - 1;
      while (counts[digit] < left) left -= counts[digit--];
      prefix |= static_cast<uint64_t>(digit) << shift;
    }
    __syncthreads();
  }
  return prefix;
}

// Largest first (bitonic sort; Batcher 1968).
__device__ void sort(uint64_t *keys) {
  int i = static_cast<int>(threadIdx.x);
  for (int run = 2; run <= SKS_CUDA_MOST_K; run *= 2) {
    for (int apart = run / 2; apart > 0; apart /= 2) {
      __syncthreads();
      int other = i ^ apart;
      if (other < i) continue;
      bool descending = (i & run) == 0;
      uint64_t a = keys[i], b = keys[other];
      if ((a < b) == descending) {
        keys[i] = b;
        keys[other] = a;
      }
    }
  }
  __syncthreads();
}

static_assert(static_cast<int>(SKS_CUDA_MOST_K) == static_cast<int>(THREADS), "a key a thread");

__global__ __launch_bounds__(THREADS) void top_k(const float *logits, int32_t count, int32_t k,
                                                 int32_t *indices, float *values) {
  __shared__ uint64_t keys[SKS_CUDA_MOST_K];
  __shared__ int32_t taken;
  uint64_t least = select(logits, count, k);
  keys[threadIdx.x] = 0;
  if (threadIdx.x == 0) taken = 0;
  __syncthreads();
  for (int32_t i = static_cast<int32_t>(threadIdx.x); i < count; i += THREADS) {
    uint64_t key = key_of(logits[i], i);
    if (key >= least) keys[atomicAdd(&taken, 1)] = key;
  }
  __syncthreads();
  sort(keys);
  if (static_cast<int32_t>(threadIdx.x) >= k) return;
  int32_t index = index_of(keys[threadIdx.x]);
  indices[threadIdx.x] = index;
  values[threadIdx.x] = logits[index];
}

__global__ __launch_bounds__(THREADS) void nll(const float *logits, int32_t count,
                                               const int32_t *targets, double *loss) {
  __shared__ float most[SKS_MOST_WARPS];
  __shared__ double sums[SKS_MOST_WARPS];
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP,
      warp = static_cast<int>(threadIdx.x) / SKS_WARP;
  const float *row = logits + static_cast<int64_t>(blockIdx.x) * count;
  float largest = -INFINITY;
  for (int32_t i = static_cast<int32_t>(threadIdx.x); i < count; i += THREADS)
    largest = fmaxf(largest, row[i]);
  largest = sks_warp_max(largest);
  if (lane == 0) most[warp] = largest;
  __syncthreads();
  largest = sks_warp_max(most[lane]);
  double sum = 0;
  for (int32_t i = static_cast<int32_t>(threadIdx.x); i < count; i += THREADS)
    sum += exp(static_cast<double>(row[i]) - largest);
  for (int apart = SKS_WARP / 2; apart > 0; apart /= 2) sum += __shfl_xor_sync(~0u, sum, apart);
  if (lane == 0) sums[warp] = sum;
  __syncthreads();
  if (threadIdx.x > 0) return;
  sum = 0;
  for (int i = 0; i < THREADS / SKS_WARP; i++) sum += sums[i];
  int32_t target = targets[blockIdx.x];
  bool there = target >= 0 && target < count;
  double all = isinf(largest) ? largest : largest + log(sum);
  loss[blockIdx.x] = there ? all - row[target] : nan("");
}

}  // namespace

cudaError_t sks_cuda_argmax(cudaStream_t stream, const float *logits, int32_t rows, int32_t count,
                            int32_t *index, bool overlap) {
  if (rows == 0) return cudaSuccess;
  return sks_launch(argmax, dim3(static_cast<unsigned>(rows)), THREADS, 0, stream, overlap, logits,
                    count, index);
}

cudaError_t sks_cuda_top_k(cudaStream_t stream, const float *logits, int32_t count, int32_t k,
                           int32_t *indices, float *values) {
  if (k < 1 || k > count || k > SKS_CUDA_MOST_K) return cudaErrorInvalidValue;
  return sks_launch(top_k, dim3(1), THREADS, 0, stream, false, logits, count, k, indices, values);
}

cudaError_t sks_cuda_nll(cudaStream_t stream, const float *logits, int32_t rows, int32_t count,
                         const int32_t *targets, double *loss) {
  if (rows == 0) return cudaSuccess;
  return sks_launch(nll, dim3(static_cast<unsigned>(rows)), THREADS, 0, stream, false, logits,
                    count, targets, loss);
}
