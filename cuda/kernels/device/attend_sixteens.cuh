// Sixteen keys and values at a time through the tensor cores: what kernels that attend row by row
// share. Queries and weights are cut into two numbers of 16 bits, high and low, side by side as
// columns: their products are exact and sums are float32 (2^-22 is left over of f16, 2^-17 of
// bf16). Bytes of Q8_0 widen to f16 without loss; the scale of a run of keys multiplies what the
// run adds to a score, that of a run of values the weights.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_ATTEND_SIXTEENS_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_ATTEND_SIXTEENS_CUH

#include "cuda/kernels/device/attend_job.cuh"
#include "cuda/kernels/device/matrix_product.cuh"

enum { SKS_SIXTEEN = 16 };

// Heads of up to so many channels take the same code. It has no branches: steps behind the last are
// done with the last one's numbers, and add zeros or what nobody reads.
__host__ __device__ static inline int sks_channels_of(int head_dim) {
  return head_dim <= 64 ? 64 : head_dim <= 128 ? 128 : 256;
}

// How sixteens and queries lie in shared memory.
template <typename kv>
struct sks_sixteens {
  int head_dim, pitch;
  int steps;         // of 16 channels: with Q8_0 two for each run
  int query_stride;  // elements of a column: zero behind head_dim; eight columns meet no bank twice
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
  // Bytes of sixteen keys, and of sixteen values.
  __host__ __device__ int bytes() const { return RUNS * run_bytes(); }
  // Where row i of sixteen begins, and which key it is: eight neighbours are of different runs.
  __device__ int at(int i) const { return i % RUNS * run_bytes() + i / RUNS * row_bytes(); }
  __device__ static int key(int i) { return i % RUNS * RUN + i / RUNS; }
};

// Queries as columns in shared memory, high and low parts side by side.
template <typename kv, typename product>
struct sks_query_columns {
  int head_dim, stride;
  uint16_t *rows;  // [2 queries][stride]

  __device__ sks_query_columns(const sks_sixteens<kv> &s, void *shared)
      : head_dim(s.head_dim), stride(s.query_stride), rows(static_cast<uint16_t *>(shared)) {}
  __device__ void *end(int queries) const { return rows + 2 * queries * stride; }
  // Where a column has channel c: with Q8_0 in the order in which bytes come out of a register.
  __device__ static int place(int c) {
    return kv::SCALED ? (c & ~3) | (c & 1) << 1 | (c >> 1 & 1) : c;
  }
  __device__ void put(int q, int c, float x) const {
    uint16_t high = product::narrow(x);
    rows[2 * q * stride + place(c)] = high;
    rows[(2 * q + 1) * stride + place(c)] = product::narrow(x - product::widen(high));
  }
  // By a warp: the query, as products take it, times a row of keys. So the newest one weighs as it
  // will from the cache.
  __device__ float score(int q, const char *key) const {
    float score = 0;
    for (int c = static_cast<int>(threadIdx.x) % SKS_WARP; c < head_dim; c += SKS_WARP) {
      float query = product::widen(rows[2 * q * stride + place(c)]) +
                    product::widen(rows[(2 * q + 1) * stride + place(c)]);
      score = fmaf(query, sks_load_channel<kv>(key, head_dim, c), score);
    }
    return sks_warp_sum(score);
  }
};

// Channel c of the newest key, or value, into a row of shared memory as the cache has it: x, which
// goes on to the cache if `store`, or what is `stored` there. Lanes as with sks_store_channel.
template <typename kv>
__device__ static inline void sks_take_newest(bool fused, bool store, float x, int c, bool valid,
                                              int head_dim, char *stored, char *row) {
  if (fused) sks_store_channel<kv>(x, c, valid, row, head_dim);
  if (!valid || (fused && !store)) return;
  sks_copy_channel<kv>(fused ? row : stored, c, fused ? stored : row, head_dim);
}

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

// Four signed bytes as f16: bytes 0 and 2, and bytes 1 and 3. 0x6400 + (byte + 128) is 1152 + byte.
__device__ static inline void sks_widen_bytes(uint32_t bytes, uint32_t &even, uint32_t &odd) {
  const uint32_t mask = 0x00ff00ff, magic = 0x64806480, offset = 0xe480e480;
  // (a & b) ^ c in one instruction, which the compiler makes two of.
  asm("lop3.b32 %0, %1, %2, %3, 0x6a;\n" : "=r"(even) : "r"(bytes), "r"(mask), "r"(magic));
  asm("lop3.b32 %0, %1, %2, %3, 0x6a;\n" : "=r"(odd) : "r"(bytes >> 8), "r"(mask), "r"(magic));
  asm("add.rn.f16x2 %0, %0, %1;\n" : "+r"(even) : "r"(offset));
  asm("add.rn.f16x2 %0, %0, %1;\n" : "+r"(odd) : "r"(offset));
}

// A warp's running softmax: of query 4 tile + lane % 4 the largest score and this lane's share of
// the sum; of its channels the weighted values, high and low. A single query over Q8_0 has the runs
// side by side as columns: the lane's are those of run lane % 4.
template <typename kv, int queries, int most_steps>
struct sks_running {
  enum { QUERIES = queries, TILES = (2 * queries + 7) / 8, SPREAD = kv::SCALED && queries == 1 };
  float largest[TILES], sum[TILES], values[most_steps][TILES][4];
  int exponent;  // of the largest scale of values: weighted values are in units of it

  __device__ void clear() {
    exponent = 0;
#pragma unroll
    for (int tile = 0; tile < TILES; tile++) {
      largest[tile] = -INFINITY;
      sum[tile] = 0;
#pragma unroll
      for (int k = 0; k < most_steps; k++)
#pragma unroll
        for (int e = 0; e < 4; e++) values[k][tile][e] = 0;
    }
  }
};

// Scores of the lane's keys, lane / 4 and that + 8: high and low parts together.
template <typename kv, typename product, int queries, int most_steps>
__device__ static inline void sks_score_sixteen(const sks_sixteens<kv> &s, const char *keys,
                                                const sks_query_columns<kv, product> &columns,
                                                float (&scores)[(2 * queries + 7) / 8][2]) {
  constexpr int COLUMNS = 2 * queries, TILES = (COLUMNS + 7) / 8;
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
  const char *row = keys + s.at(lane % 16) + lane / 16 * 16;
  const uint16_t *column[TILES];
#pragma unroll
  for (int tile = 0; tile < TILES; tile++) {
    int c = tile * 8 + lane / 4;
    // Columns that are not there are others again.
    column[tile] =
        columns.rows + (c < COLUMNS ? c : c % 2) * columns.stride + lane % 4 * (kv::SCALED ? 4 : 2);
  }
  if constexpr (!kv::SCALED) {
    float sums[2][TILES][4] = {};
#pragma unroll
    for (int k = 0; k < most_steps; k++) {
      uint32_t a[4];
      sks_load_matrices(a, row + min(k, s.steps - 1) * 32);
#pragma unroll
      for (int tile = 0; tile < TILES; tile++)
        product::add(sums[k % 2][tile], a,
                     *reinterpret_cast<const uint32_t *>(column[tile] + k * 16),
                     *reinterpret_cast<const uint32_t *>(column[tile] + k * 16 + 8));
    }
#pragma unroll
    for (int tile = 0; tile < TILES; tile++)
#pragma unroll
      for (int i = 0; i < 2; i++)
        scores[tile][i] = sums[0][tile][2 * i] + sums[1][tile][2 * i] +
                          (sums[0][tile][2 * i + 1] + sums[1][tile][2 * i + 1]);
  } else {
    uint2 four[2];
#pragma unroll
    for (int tile = 0; tile < TILES; tile++) scores[tile][0] = scores[tile][1] = 0;
#pragma unroll
    for (int run = 0; run < most_steps / 2; run++) {
      if (run % 4 == 0)
#pragma unroll
        for (int i = 0; i < 2; i++)
          four[i] = *reinterpret_cast<const uint2 *>(keys + s.at(lane / 4 + 8 * i) + s.head_dim +
                                                     2 * run);
      uint32_t bytes[4];
      sks_load_matrices(bytes, row + min(run, s.steps / 2 - 1) * 32);
      float sums[TILES][4] = {};
#pragma unroll
      for (int half = 0; half < 2; half++) {
        uint32_t a[4];
        sks_widen_bytes(bytes[2 * half], a[0], a[2]);
        sks_widen_bytes(bytes[2 * half + 1], a[1], a[3]);
#pragma unroll
        for (int tile = 0; tile < TILES; tile++) {
          uint2 b = *reinterpret_cast<const uint2 *>(column[tile] + run * 32 + half * 16);
          product::add(sums[tile], a, b.x, b.y);
        }
      }
#pragma unroll
      for (int i = 0; i < 2; i++) {
        float2 pair = sks_widen_2_f16(run % 4 < 2 ? four[i].x : four[i].y);
        float scale = run * 2 >= s.steps ? 0.0f : run % 2 ? pair.y : pair.x;
#pragma unroll
        for (int tile = 0; tile < TILES; tile++)
          scores[tile][i] = fmaf(sums[tile][2 * i] + sums[tile][2 * i + 1], scale, scores[tile][i]);
      }
    }
  }
}

// Of four weights, the high parts or, in odd columns, what those leave over.
template <typename product>
__device__ static inline void sks_cut_weights(const float (&w)[4], uint32_t (&b)[2]) {
  bool odd = threadIdx.x / 4 % 2;
#pragma unroll
  for (int i = 0; i < 2; i++) {
    uint32_t high = product::narrow_2(w[2 * i], w[2 * i + 1]);
    float2 taken = product::widen_2(high);
    uint32_t low = product::narrow_2(w[2 * i] - taken.x, w[2 * i + 1] - taken.y);
    b[i] = odd ? low : high;
  }
}

// The largest scale of sixteen values, as its bits.
template <typename kv>
__device__ static inline uint32_t sks_largest_scale(const sks_sixteens<kv> &s, const char *values) {
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP, run = lane / 16 * 4, runs = s.steps / 2;
  uint32_t largest = 0;
  if (run < runs) {
    uint2 four = *reinterpret_cast<const uint2 *>(values + s.at(lane % 16) + s.head_dim + 2 * run);
    largest = four.x & 0x7fff;
    if (run + 1 < runs) largest = max(largest, four.x >> 16 & 0x7fff);
    if (run + 2 < runs) largest = max(largest, four.y & 0x7fff);
    if (run + 3 < runs) largest = max(largest, four.y >> 16 & 0x7fff);
  }
  return __reduce_max_sync(~0u, largest);
}

// Sixteen more keys: `scores` of the lane's two, -INFINITY where there is none.
template <typename kv, typename product, int queries, int most_steps>
__device__ static inline void sks_add_sixteen(const sks_sixteens<kv> &s, const char *rows,
                                              const float (&scores)[(2 * queries + 7) / 8][2],
                                              sks_running<kv, queries, most_steps> &r) {
  constexpr int TILES = sks_running<kv, queries, most_steps>::TILES;
  constexpr bool SPREAD = sks_running<kv, queries, most_steps>::SPREAD;
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
  float unit = 1, shift = 1;
  if constexpr (kv::SCALED) {
    int exponent = static_cast<int>(sks_largest_scale(s, rows) >> 10);
    if (exponent > r.exponent) {
      shift = __int_as_float((127 + r.exponent - exponent) << 23);
      r.exponent = exponent;
    }
    // A scale times this is below 2^15.
    unit = __int_as_float((127 + 29 - r.exponent) << 23);
  }
  float w[TILES][4];
#pragma unroll
  for (int tile = 0; tile < TILES; tile++) {
    float best = fmaxf(r.largest[tile], fmaxf(scores[tile][0], scores[tile][1]));
#pragma unroll
    for (int apart = 4; apart < SKS_WARP; apart *= 2)
      best = fmaxf(best, __shfl_xor_sync(~0u, best, apart));
    float base = best == -INFINITY ? 0.0f : best, keep = sks_exp2(r.largest[tile] - base);
    r.largest[tile] = best;
    float p[2] = {sks_exp2(scores[tile][0] - base), sks_exp2(scores[tile][1] - base)};
    r.sum[tile] = r.sum[tile] * keep + p[0] + p[1];
    if (kv::SCALED) keep *= shift;
    if (__any_sync(~0u, keep != 1.0f)) {
#pragma unroll
      for (int k = 0; k < most_steps; k++)
#pragma unroll
        for (int e = 0; e < 4; e++) r.values[k][tile][e] *= keep;
    }
    // Column lane / 4 is the high or low part of a query's weights: those of keys 2 (lane % 4)
    // and the next lie in two other lanes.
    int source = lane % 4 * 8 + lane / 8;
#pragma unroll
    for (int i = 0; i < 4; i++) w[tile][i] = __shfl_sync(~0u, p[i / 2], source + i % 2 * 4) * unit;
  }
  const char *row = rows + s.at(lane % 8 + lane / 16 * 8) + lane / 8 % 2 * 16;
  if constexpr (!kv::SCALED) {
    uint32_t b[TILES][2];
#pragma unroll
    for (int tile = 0; tile < TILES; tile++) sks_cut_weights<product>(w[tile], b[tile]);
#pragma unroll
    for (int k = 0; k < most_steps; k++) {
      uint32_t a[4];
      sks_load_transposed(a, row + min(k, s.steps - 1) * 32);
#pragma unroll
      for (int tile = 0; tile < TILES; tile++)
        product::add(r.values[k][tile], a, b[tile][0], b[tile][1]);
    }
  } else {
    uint32_t b[TILES][2];
    uint2 four[4];
    const char *scales = rows + s.head_dim;
#pragma unroll
    for (int run = 0; run < most_steps / 2; run++) {
      if (SPREAD && run % 4 == 0) {
        float x[4];
        int its = run + lane / 8;
#pragma unroll
        for (int i = 0; i < 4; i++)
          x[i] = w[0][i] * sks_widen_half(*reinterpret_cast<const uint16_t *>(
                               scales + s.at(lane % 4 * 2 + i % 2 + i / 2 * 8) + 2 * its));
        sks_cut_weights<product>(x, b[0]);
      }
      if (!SPREAD) {
        if (run % 4 == 0)
#pragma unroll
          for (int i = 0; i < 4; i++)
            four[i] = *reinterpret_cast<const uint2 *>(
                scales + s.at(lane % 4 * 2 + i % 2 + i / 2 * 8) + 2 * run);
#pragma unroll
        for (int tile = 0; tile < TILES; tile++) {
          float x[4];
#pragma unroll
          for (int i = 0; i < 4; i++) {
            float2 pair = sks_widen_2_f16(run % 4 < 2 ? four[i].x : four[i].y);
            x[i] = w[tile][i] * (run % 2 ? pair.y : pair.x);
          }
          sks_cut_weights<product>(x, b[tile]);
        }
      }
      uint32_t bytes[4];
      sks_load_transposed(bytes, row + min(run, s.steps / 2 - 1) * 32);
#pragma unroll
      for (int half = 0; half < 2; half++) {
        uint32_t a[4];
        sks_widen_bytes(bytes[half], a[0], a[1]);
        sks_widen_bytes(bytes[half + 2], a[2], a[3]);
#pragma unroll
        for (int tile = 0; tile < TILES; tile++)
          product::add(r.values[2 * run + half][tile], a, b[tile][0], b[tile][1]);
      }
    }
  }
}

// Of the lane's queries; relative to powers of two.
template <typename running>
__device__ static inline void sks_load_slopes(const sks_attend_job &job, int first_head, int heads,
                                              float (&slopes)[running::TILES]) {
#pragma unroll
  for (int tile = 0; tile < running::TILES; tile++) {
    int q = running::QUERIES == 1 ? 0 : tile * 4 + static_cast<int>(threadIdx.x) % 4;
    const float *of_model = job.attention.slopes;
    slopes[tile] = of_model && q < heads ? of_model[first_head + q] * SKS_LOG2_E : 0.0f;
  }
}

// Keys at .. at + 15, and their values behind them, of those before `end`; the row sees `keys` with
// its own, `sinks` of which are sink tokens'.
template <typename kv, typename product, int queries, int most_steps>
__device__ static inline void sks_attend_sixteen(
    const sks_sixteens<kv> &s, const char *rows, int32_t at, int32_t end, int32_t keys,
    int32_t sinks, const sks_query_columns<kv, product> &streamed,
    const sks_query_columns<kv, product> &cached,
    const float (&slopes)[sks_running<kv, queries, most_steps>::TILES],
    sks_running<kv, queries, most_steps> &r) {
  constexpr int TILES = sks_running<kv, queries, most_steps>::TILES;
  float scores[TILES][2] = {}, of_sinks[TILES][2] = {};
  if (at + SKS_SIXTEEN > sinks)
    sks_score_sixteen<kv, product, queries, most_steps>(s, rows, streamed, scores);
  if (at < sinks) sks_score_sixteen<kv, product, queries, most_steps>(s, rows, cached, of_sinks);
#pragma unroll
  for (int i = 0; i < 2; i++) {
    int32_t key = at + s.key(static_cast<int>(threadIdx.x) % SKS_WARP / 4 + 8 * i);
#pragma unroll
    for (int tile = 0; tile < TILES; tile++) {
      if (key < sinks) scores[tile][i] = of_sinks[tile][i];
      // Keys that a token sees stand side by side in the cache.
      scores[tile][i] -= slopes[tile] * static_cast<float>(keys - 1 - key);
      if (key >= end) scores[tile][i] = -INFINITY;
    }
  }
  sks_add_sixteen<kv, product>(s, rows + s.bytes(), scores, r);
}

// The warp's results: of query q its largest score and sum, and the weighted values [head_dim].
template <typename kv, int queries, int most_steps>
__device__ static inline void sks_put_running(const sks_sixteens<kv> &s,
                                              const sks_running<kv, queries, most_steps> &r,
                                              int heads, float2 *stats, float *values) {
  constexpr bool SPREAD = sks_running<kv, queries, most_steps>::SPREAD;
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
  float unit = kv::SCALED ? __int_as_float((127 + r.exponent - 29) << 23) : 1.0f;
#pragma unroll
  for (int tile = 0; tile < sks_running<kv, queries, most_steps>::TILES; tile++) {
    int q = SPREAD ? 0 : tile * 4 + lane % 4;
    float sum = r.sum[tile];
#pragma unroll
    for (int apart = 4; apart < SKS_WARP; apart *= 2) sum += __shfl_xor_sync(~0u, sum, apart);
    if (q >= heads) continue;
    if (lane < (SPREAD ? 1 : 4)) stats[q] = make_float2(r.largest[tile], sum);
    float *to = values + q * s.head_dim;
#pragma unroll
    for (int k = 0; k < most_steps; k++) {
      float x = r.values[k][tile][0] + r.values[k][tile][1];
      float y = r.values[k][tile][2] + r.values[k][tile][3];
      if (kv::SCALED) {
        int c = k * 16 + lane / 4 * 2;
        if (c < s.head_dim && (!SPREAD || lane % 4 == k / 2 % 4))
          *reinterpret_cast<float2 *>(to + c) = make_float2(x * unit, y * unit);
      } else {
        int c = k * 16 + lane / 4;
        if (c < s.head_dim) to[c] = x;
        if (c + 8 < s.head_dim) to[c + 8] = y;
      }
    }
  }
}

#endif
