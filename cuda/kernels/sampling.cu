// The largest of each row of logits: blocks find that of each group of neighbours, and the last of
// them looks only where more can be; and the loss of a known token.
#include <cmath>
#include <cstdint>

#include "cuda/kernels/device/launch.cuh"
#include "cuda/kernels/device/reduce.cuh"
#include "cuda/kernels/sampling.h"

namespace {

enum { THREADS = 1024, WARPS = THREADS / SKS_WARP, DIGIT_BITS = 8, DIGITS = 1 << DIGIT_BITS };

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

// The largest over the block, in its first warp.
__device__ uint64_t block_largest(uint64_t key) {
  __shared__ uint64_t found[WARPS];
  key = warp_largest(key);
  if (threadIdx.x % SKS_WARP == 0) found[threadIdx.x / SKS_WARP] = key;
  __syncthreads();
  return threadIdx.x < SKS_WARP ? warp_largest(found[threadIdx.x]) : 0;
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

static_assert(static_cast<int>(SKS_CUDA_MOST_K) == static_cast<int>(THREADS), "a key a thread");

// A key a thread; largest first (bitonic sort; Batcher 1968). Partners in a warp exchange without
// shared memory.
__device__ uint64_t sort(uint64_t key) {
  __shared__ uint64_t keys[THREADS];
  int i = static_cast<int>(threadIdx.x);
  for (int run = 2; run <= THREADS; run *= 2) {
    for (int apart = run / 2; apart > 0; apart /= 2) {
      uint64_t other;
      if (apart >= SKS_WARP) {
        __syncthreads();
        keys[i] = key;
        __syncthreads();
        other = keys[i ^ apart];
      } else {
        other = __shfl_xor_sync(~0u, key, apart);
      }
      bool keep_larger = ((i & run) == 0) == ((i & apart) == 0);
      key = (key > other) == keep_larger ? key : other;
    }
  }
  return key;
}

// What blocks leave for the last of them.
struct top_scratch {
  uint64_t largest[THREADS];  // of each group of neighbouring logits
  unsigned arrived;
  unsigned rows_done;  // of the first row's: of all
};

static_assert(sizeof(top_scratch) <= SKS_CUDA_TOP_SCRATCH, "room for it");

// Of row r, which lies behind the one before.
__device__ top_scratch *scratch_of(char *scratch, unsigned r) {
  return reinterpret_cast<top_scratch *>(scratch + static_cast<int64_t>(r) * SKS_CUDA_TOP_SCRATCH);
}

__device__ bool is_banned(const sks_cuda_banned &banned, int32_t index) {
  for (int32_t i = 0; i < banned.count; i++)
    if (banned.indices[i] == index) return true;
  return false;
}

// A warp for each group, until all have been looked at. Where none are banned, nothing stands
// between loads.
template <bool bans>
__device__ void find_largest(const float *logits, int32_t count, int32_t group,
                             const sks_cuda_banned &banned, top_scratch *scratch) {
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
  int32_t groups = (count - 1) / group + 1, warps = static_cast<int32_t>(gridDim.y) * WARPS;
  int32_t first =
      static_cast<int32_t>(blockIdx.y) * WARPS + static_cast<int32_t>(threadIdx.x) / SKS_WARP;
  for (int32_t own = first; own < groups; own += warps) {
    int32_t begin = own * group, end = count - begin < group ? count : begin + group;
    uint64_t best = 0;
#pragma unroll 8
    for (int32_t i = begin + lane; i < end; i += SKS_WARP)
      best = larger(best, bans && is_banned(banned, i) ? 0 : key_of(logits[i], i));
    best = warp_largest(best);
    if (lane == 0) scratch->largest[own] = best;
  }
}

// Whether this block is the last one to arrive; it sees what the others wrote.
__device__ bool arrives_last(top_scratch *scratch) {
  __shared__ bool last;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    last = atomicAdd(&scratch->arrived, 1) + 1 == gridDim.y;
    if (last) scratch->arrived = 0;
  }
  __syncthreads();
  if (last) __threadfence();
  return last;
}

// Each thread's key of the k largest, largest first. k groups have a largest one of at least
// `least`, so that the k-th largest of all is no less: few others have to be looked at.
__device__ uint64_t top_keys(const float *logits, int32_t count, int32_t group, int32_t k,
                             uint64_t own_largest) {
  __shared__ uint64_t order[THREADS], keys[THREADS];
  __shared__ int32_t taken;
  order[threadIdx.x] = sort(own_largest);
  keys[threadIdx.x] = 0;
  if (threadIdx.x == 0) taken = 0;
  __syncthreads();
  uint64_t least = order[k - 1];
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
  for (int32_t j = static_cast<int32_t>(threadIdx.x) / SKS_WARP; j < k && order[j] > 0;
       j += WARPS) {
    int32_t begin = index_of(order[j]) / group * group;
    int32_t end = count - begin < group ? count : begin + group;
#pragma unroll 4
    for (int32_t i = begin + lane; i < end; i += SKS_WARP) {
      uint64_t key = key_of(logits[i], i);
      if (key < least) continue;
      int32_t place = atomicAdd(&taken, 1);
      if (place < THREADS) keys[place] = key;
    }
  }
  __syncthreads();
  if (taken > THREADS) {  // seldom: many of the largest are neighbours, or k is near THREADS
    __syncthreads();
    keys[threadIdx.x] = 0;
    if (threadIdx.x == 0) taken = 0;
    least = select(logits, count, k);
    for (int32_t i = static_cast<int32_t>(threadIdx.x); i < count; i += THREADS) {
      uint64_t key = key_of(logits[i], i);
      if (key >= least) keys[atomicAdd(&taken, 1)] = key;
    }
    __syncthreads();
  }
  return sort(keys[threadIdx.x]);
}

// By one thread, behind the writes of a row's results: whether all rows are there.
__device__ bool completes_rows(top_scratch *first) {
  if (gridDim.x == 1) return true;
  bool last = atomicAdd(&first->rows_done, 1) + 1 == gridDim.x;
  if (last) first->rows_done = 0;
  __threadfence_system();
  return last;
}

__global__ __launch_bounds__(THREADS) void top(const float *logits, int32_t count, int32_t group,
                                               int32_t k,
                                               const __grid_constant__ sks_cuda_banned banned,
                                               char *scratches, sks_cuda_top to) {
  top_scratch *scratch = scratch_of(scratches, blockIdx.x);
  logits += static_cast<int64_t>(blockIdx.x) * count;
  if (banned.count > 0)
    find_largest<true>(logits, count, group, banned, scratch);
  else
    find_largest<false>(logits, count, group, banned, scratch);
  if (!arrives_last(scratch)) return;
  bool has_group = static_cast<int32_t>(threadIdx.x) <= (count - 1) / group;
  uint64_t key = has_group ? scratch->largest[threadIdx.x] : 0;
  key = k == 1 ? block_largest(key) : top_keys(logits, count, group, k, key);
  if (static_cast<int32_t>(threadIdx.x) < k) {
    int32_t index = index_of(key);
    int64_t at = static_cast<int64_t>(blockIdx.x) * k + threadIdx.x;
    to.indices[at] = index;
    to.values[at] = logits[index];
    if (to.ids) to.ids[at] = index;
    __threadfence_system();
  }
  if (k > 1) __syncthreads();
  if (threadIdx.x == 0 && completes_rows(scratch_of(scratches, 0)))
    *static_cast<volatile uint32_t *>(to.answered) = to.serial;
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

cudaError_t sks_cuda_top_k(cudaStream_t stream, const float *logits, int32_t rows, int32_t count,
                           int32_t k, const sks_cuda_banned *banned, void *scratch,
                           const sks_cuda_top *to) {
  if (rows < 1 || k < 1 || k > count || k > SKS_CUDA_MOST_K ||
      (banned && (k > 1 || banned->count >= count)))
    return cudaErrorInvalidValue;
  sks_card card = {};
  cudaError_t error = sks_card_of(&card);
  if (error != cudaSuccess) return error;
  int32_t group = (count - 1) / THREADS + 1, groups = (count - 1) / group + 1;
  // A processor holds two blocks; to begin and to meet takes one longer than to look.
  int32_t most = (groups - 1) / WARPS + 1, at_once = 2 * card.processors / rows;
  unsigned blocks = static_cast<unsigned>(at_once < 1 ? 1 : at_once < most ? at_once : most);
  return sks_launch(top, dim3(static_cast<unsigned>(rows), blocks), THREADS, 0, stream, false,
                    logits, count, group, k, banned ? *banned : sks_cuda_banned{},
                    static_cast<char *>(scratch), *to);
}

cudaError_t sks_cuda_nll(cudaStream_t stream, const float *logits, int32_t rows, int32_t count,
                         const int32_t *targets, double *loss) {
  if (rows == 0) return cudaSuccess;
  return sks_launch(nll, dim3(static_cast<unsigned>(rows)), THREADS, 0, stream, false, logits,
                    count, targets, loss);
}
