// Sixteens of keys and values as they lie in a warp's ring, and their copies into it: by the copy
// engine, and before Hopper by the threads.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_ATTEND_RING_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_ATTEND_RING_CUH

#include "cuda/kernels/device/attend_sixteens.cuh"
#include "cuda/kernels/device/stage.cuh"

// How sixteens lie, each by itself.
template <typename kv_type>
struct sks_sixteens {
  using kv = kv_type;
  enum { SIXTEENS = 1 };
  int head_dim, pitch;
  int steps;  // of 16 channels: with Q8_0 two for each run
  int query_stride;
  __host__ __device__ explicit sks_sixteens(int dim) {
    head_dim = dim;
    pitch = static_cast<int>(sks_cuda_row_pitch(kv::TYPE, dim));
    steps = kv::SCALED ? (dim + SKS_SCALE_CHANNELS - 1) / SKS_SCALE_CHANNELS * 2 : (dim + 15) / 16;
    query_stride = sks_channels_of(dim) + (kv::SCALED ? 16 : 8);
  }
  // Rows of a run lie one behind the other, as in the cache, and take one copy; then come 16 bytes
  // for the banks' sake. Those of Q8_0 are most often an odd number of 16 bytes apart anyway.
  enum { RUN = kv::SCALED ? SKS_SIXTEEN : 4, RUNS = SKS_SIXTEEN / RUN };
  __host__ __device__ int row_bytes() const { return kv::SCALED ? pitch : steps * 32; }
  __host__ __device__ int run_bytes() const { return RUN * row_bytes() + (kv::SCALED ? 0 : 16); }
  // Bytes that products, which read whole steps, read behind the last row of Q8_0: not of the next
  // sixteen, which may be on its way.
  __host__ __device__ int behind() const {
    return steps * 16 > row_bytes() ? steps * 16 - row_bytes() : 0;
  }
  // Bytes of sixteen keys, and of sixteen values.
  __host__ __device__ int bytes() const { return RUNS * run_bytes() + behind(); }
  // Where row i of sixteen begins, and which key it is: eight neighbours are of different runs.
  __device__ int at(int i) const { return i % RUNS * run_bytes() + i / RUNS * row_bytes(); }
  __device__ static int key(int i) { return i % RUNS * RUN + i / RUNS; }
};

// By a warp: channels behind head_dim of so many sixteens, which no copy writes, must be numbers.
template <typename kv>
__device__ static inline void sks_clear_behind(const sks_sixteens<kv> &s, char *shared,
                                               int sixteens) {
  if constexpr (kv::SCALED) return;
  if (s.steps * 16 == s.head_dim) return;
  for (int i = static_cast<int>(threadIdx.x) % SKS_WARP; i < sixteens * SKS_SIXTEEN; i += SKS_WARP)
    *reinterpret_cast<uint4 *>(shared + i / SKS_SIXTEEN * s.bytes() + s.at(i % SKS_SIXTEEN) +
                               s.head_dim * 2) = make_uint4(0, 0, 0, 0);
}

// Keys that a row sees in the cache, but its own, through one head.
struct sks_stored_rows {
  const char *keys, *values;
  sks_key_slots slots;
  int32_t end;
};

// By a warp: copies of keys [first, first + 16) that are there, and their values behind them.
template <typename kv>
__device__ static inline void sks_start_sixteen(const sks_sixteens<kv> &s,
                                                const sks_stored_rows &from, int32_t first,
                                                char *shared, sks_arrivals *arrivals) {
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP, key = lane % SKS_SIXTEEN;
  bool of_keys = lane < SKS_SIXTEEN;
  const char *rows = of_keys ? from.keys : from.values;
  char *to = shared + (of_keys ? 0 : s.bytes()) + key / s.RUN * s.run_bytes() +
             key % s.RUN * s.row_bytes();
  int32_t count = from.end - first < SKS_SIXTEEN ? from.end - first : SKS_SIXTEEN;
  int64_t slot = from.slots.of(first + key);
#if __CUDA_ARCH__ >= 900
  if (lane == 0) sks_arrivals_expect(arrivals, static_cast<uint32_t>(2 * count * s.pitch));
  // What lies one behind the other on both sides is one copy.
  bool follows = key % s.RUN != 0 && key < count && s.pitch == s.row_bytes() &&
                 slot == from.slots.of(first + key - 1) + 1;
  uint32_t followers = __ballot_sync(~0u, follows) >> lane >> 1;
  if (key < count && !follows)
    sks_bulk_copy_once(to, rows + slot * s.pitch,
                       static_cast<uint32_t>(__ffs(~followers) * s.pitch), arrivals);
#else
  if (key < count)
    for (int at = 0; at < s.pitch; at += 16) sks_copy_16(to + at, rows + slot * s.pitch + at);
#endif
  // A weight of zero must meet a number; and later copies come after these writes.
  if (key >= count) {
    for (int at = 0; at < s.pitch; at += 16)
      *reinterpret_cast<uint4 *>(to + at) = make_uint4(0, 0, 0, 0);
    sks_copies_follow();
  }
}

#endif
