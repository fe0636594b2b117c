// Sixteen keys and values at a time through the tensor cores: what kernels that attend row by row
// share. Queries and weights are cut into two numbers of 16 bits, high and low, side by side as
// columns: their products are exact and sums are float32 (2^-22 is left over of f16, 2^-17 of
// bf16). Bytes of Q8_0 widen to f16 without loss; the scale of a run of keys multiplies what the
// run adds to a score, that of a run of values the weights.
//
// How keys, values and queries lie in shared memory is the kernel's: its `layout` has
//   kv                 the type of keys and values
//   SIXTEENS           that are taken at once: 1, or 2, whose products do not wait for each other
//   head_dim, steps    channels, and steps of 16 channels that rows have
//   query_stride       elements of a query column, zero behind head_dim; eight meet no bank twice
//   at(i), key(i)      where row i of the sixteens begins, and which of their keys it is
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

// Queries as columns in shared memory, high and low parts side by side.
template <typename kv, typename product>
struct sks_query_columns {
  int head_dim, stride;
  uint16_t *rows;  // [2 queries][stride]

  template <typename layout>
  __device__ sks_query_columns(const layout &s, void *shared)
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
  // Channel c as products take it.
  __device__ float get(int q, int c) const {
    return product::widen(rows[2 * q * stride + place(c)]) +
           product::widen(rows[(2 * q + 1) * stride + place(c)]);
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
  enum { QUERIES = queries, COLUMNS = 2 * queries, TILES = (COLUMNS + 7) / 8, STEPS = most_steps };
  enum { SCALED = kv::SCALED, SPREAD = kv::SCALED && queries == 1 };
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

// Scores of the lane's keys of each sixteen, lane / 4 and that + 8: high and low parts together.
template <typename running, typename layout, typename product>
__device__ static inline void sks_multiply_keys(
    const layout &s, const char *keys,
    const sks_query_columns<typename layout::kv, product> &columns,
    float (&scores)[layout::SIXTEENS][running::TILES][2]) {
  using kv = typename layout::kv;
  constexpr int SIXTEENS = layout::SIXTEENS, TILES = running::TILES;
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
  const char *row[SIXTEENS];
#pragma unroll
  for (int part = 0; part < SIXTEENS; part++)
    row[part] = keys + s.at(part * SKS_SIXTEEN + lane % 16) + lane / 16 * 16;
  const uint16_t *column[TILES];
#pragma unroll
  for (int tile = 0; tile < TILES; tile++) {
    int c = tile * 8 + lane / 4;
    // Columns that are not there are others again.
    column[tile] = columns.rows + (c < running::COLUMNS ? c : c % 2) * columns.stride +
                   lane % 4 * (kv::SCALED ? 4 : 2);
  }
  if constexpr (!kv::SCALED) {
    // Two sums that do not wait for each other: of two sixteens, or of every other step.
    constexpr int CHAINS = 2 / SIXTEENS;
    float sums[SIXTEENS][CHAINS][TILES][4] = {};
#pragma unroll
    for (int k = 0; k < running::STEPS; k++) {
      uint32_t a[SIXTEENS][4];
#pragma unroll
      for (int part = 0; part < SIXTEENS; part++)
        sks_load_matrices(a[part], row[part] + min(k, s.steps - 1) * 32);
#pragma unroll
      for (int tile = 0; tile < TILES; tile++) {
        uint32_t b0 = *reinterpret_cast<const uint32_t *>(column[tile] + k * 16);
        uint32_t b1 = *reinterpret_cast<const uint32_t *>(column[tile] + k * 16 + 8);
#pragma unroll
        for (int part = 0; part < SIXTEENS; part++)
          product::add(sums[part][k % CHAINS][tile], a[part], b0, b1);
      }
    }
#pragma unroll
    for (int part = 0; part < SIXTEENS; part++)
#pragma unroll
      for (int tile = 0; tile < TILES; tile++)
#pragma unroll
        for (int i = 0; i < 2; i++) {
          float high = sums[part][0][tile][2 * i], low = sums[part][0][tile][2 * i + 1];
          if constexpr (CHAINS == 2) {
            high += sums[part][1][tile][2 * i];
            low += sums[part][1][tile][2 * i + 1];
          }
          scores[part][tile][i] = high + low;
        }
  } else {
    uint2 four[SIXTEENS][2];
#pragma unroll
    for (int part = 0; part < SIXTEENS; part++)
#pragma unroll
      for (int tile = 0; tile < TILES; tile++) scores[part][tile][0] = scores[part][tile][1] = 0;
#pragma unroll
    for (int run = 0; run < running::STEPS / 2; run++) {
#pragma unroll
      for (int part = 0; part < SIXTEENS; part++) {
        if (run % 4 == 0)
#pragma unroll
          for (int i = 0; i < 2; i++)
            four[part][i] = *reinterpret_cast<const uint2 *>(
                keys + s.at(part * SKS_SIXTEEN + lane / 4 + 8 * i) + s.head_dim + 2 * run);
        uint32_t bytes[4];
        sks_load_matrices(bytes, row[part] + min(run, s.steps / 2 - 1) * 32);
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
          float2 pair = sks_widen_2_f16(run % 4 < 2 ? four[part][i].x : four[part][i].y);
          float scale = run * 2 >= s.steps ? 0.0f : run % 2 ? pair.y : pair.x;
#pragma unroll
          for (int tile = 0; tile < TILES; tile++)
            scores[part][tile][i] =
                fmaf(sums[tile][2 * i] + sums[tile][2 * i + 1], scale, scores[part][tile][i]);
        }
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

// Scores of the keys from `at` on, with the queries as they meet the stream's keys, or, of the
// first `sinks` alone, those of sink tokens.
template <typename running, typename layout, typename product>
__device__ static inline void sks_score_keys(
    const layout &s, const char *rows, int32_t at, int32_t sinks, bool stream,
    const sks_query_columns<typename layout::kv, product> &columns,
    float (&scores)[layout::SIXTEENS][running::TILES][2]) {
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
  float found[layout::SIXTEENS][running::TILES][2];
  sks_multiply_keys<running>(s, rows, columns, found);
#pragma unroll
  for (int part = 0; part < layout::SIXTEENS; part++)
#pragma unroll
    for (int i = 0; i < 2; i++) {
      bool its = stream || at + s.key(part * SKS_SIXTEEN + lane / 4 + 8 * i) < sinks;
#pragma unroll
      for (int tile = 0; tile < running::TILES; tile++)
        if (its) scores[part][tile][i] = found[part][tile][i];
    }
}

// The keys' positions join their scores, for a row that sees `keys` with its own; from `end` on
// there are none.
template <typename running, typename layout>
__device__ static inline void sks_place_keys(const layout &s, int32_t at, int32_t end, int32_t keys,
                                             const float (&slopes)[running::TILES],
                                             float (&scores)[layout::SIXTEENS][running::TILES][2]) {
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
#pragma unroll
  for (int part = 0; part < layout::SIXTEENS; part++)
#pragma unroll
    for (int i = 0; i < 2; i++) {
      int32_t key = at + s.key(part * SKS_SIXTEEN + lane / 4 + 8 * i);
#pragma unroll
      for (int tile = 0; tile < running::TILES; tile++) {
        // Keys that a token sees stand side by side in the cache.
        scores[part][tile][i] -= slopes[tile] * static_cast<float>(keys - 1 - key);
        if (key >= end) scores[part][tile][i] = -INFINITY;
      }
    }
}

// What sixteens of keys weigh: of column lane / 4, high or low part of a query, the weights of four
// keys of each, and what is left of everything before.
template <int sixteens, int tiles>
struct sks_weights {
  float keep[tiles], of[sixteens][tiles][4];
};

template <typename running, int sixteens>
__device__ static inline void sks_weigh(const float (&scores)[sixteens][running::TILES][2],
                                        running &r,
                                        sks_weights<sixteens, running::TILES> &weights) {
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
#pragma unroll
  for (int tile = 0; tile < running::TILES; tile++) {
    float best = r.largest[tile];
#pragma unroll
    for (int part = 0; part < sixteens; part++)
      best = fmaxf(best, fmaxf(scores[part][tile][0], scores[part][tile][1]));
#pragma unroll
    for (int apart = 4; apart < SKS_WARP; apart *= 2)
      best = fmaxf(best, __shfl_xor_sync(~0u, best, apart));
    float base = best == -INFINITY ? 0.0f : best, keep = sks_exp2(r.largest[tile] - base);
    r.largest[tile] = best;
    r.sum[tile] *= keep;
    weights.keep[tile] = keep;
#pragma unroll
    for (int part = 0; part < sixteens; part++) {
      float p[2] = {sks_exp2(scores[part][tile][0] - base), sks_exp2(scores[part][tile][1] - base)};
      r.sum[tile] += p[0] + p[1];
      // Those of keys 2 (lane % 4) and the next lie in two other lanes.
      int source = lane % 4 * 8 + lane / 8;
#pragma unroll
      for (int i = 0; i < 4; i++)
        weights.of[part][tile][i] = __shfl_sync(~0u, p[i / 2], source + i % 2 * 4);
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

// The largest scale of the values, as its bits.
template <typename layout>
__device__ static inline uint32_t sks_largest_scale(const layout &s, const char *values) {
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP, run = lane / 16 * 4, runs = s.steps / 2;
  uint32_t largest = 0;
  if (run < runs)
#pragma unroll
    for (int part = 0; part < layout::SIXTEENS; part++) {
      uint2 four = *reinterpret_cast<const uint2 *>(values + s.at(part * SKS_SIXTEEN + lane % 16) +
                                                    s.head_dim + 2 * run);
      largest = max(largest, four.x & 0x7fff);
      if (run + 1 < runs) largest = max(largest, four.x >> 16 & 0x7fff);
      if (run + 2 < runs) largest = max(largest, four.y & 0x7fff);
      if (run + 3 < runs) largest = max(largest, four.y >> 16 & 0x7fff);
    }
  return __reduce_max_sync(~0u, largest);
}

// Values, weighted, join what the warp has.
template <typename product, typename layout, typename running>
__device__ static inline void sks_add_values(
    const layout &s, const char *rows, const sks_weights<layout::SIXTEENS, running::TILES> &weights,
    running &r) {
  using kv = typename layout::kv;
  constexpr int SIXTEENS = layout::SIXTEENS, TILES = running::TILES;
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
#pragma unroll
  for (int tile = 0; tile < TILES; tile++) {
    float keep = weights.keep[tile] * shift;
    if (__any_sync(~0u, keep != 1.0f)) {
#pragma unroll
      for (int k = 0; k < running::STEPS; k++)
#pragma unroll
        for (int e = 0; e < 4; e++) r.values[k][tile][e] *= keep;
    }
  }
  if constexpr (!kv::SCALED) {
    uint32_t b[SIXTEENS][TILES][2];
#pragma unroll
    for (int part = 0; part < SIXTEENS; part++)
#pragma unroll
      for (int tile = 0; tile < TILES; tile++)
        sks_cut_weights<product>(weights.of[part][tile], b[part][tile]);
#pragma unroll
    for (int part = 0; part < SIXTEENS; part++) {
      const char *row =
          rows + s.at(part * SKS_SIXTEEN + lane % 8 + lane / 16 * 8) + lane / 8 % 2 * 16;
#pragma unroll
      for (int k = 0; k < running::STEPS; k++) {
        uint32_t a[4];
        sks_load_transposed(a, row + min(k, s.steps - 1) * 32);
#pragma unroll
        for (int tile = 0; tile < TILES; tile++)
          product::add(r.values[k][tile], a, b[part][tile][0], b[part][tile][1]);
      }
    }
  } else {
#pragma unroll
    for (int part = 0; part < SIXTEENS; part++) {
      const char *row =
          rows + s.at(part * SKS_SIXTEEN + lane % 8 + lane / 16 * 8) + lane / 8 % 2 * 16;
      // Of the keys that the lane has weights of.
      auto scales = [&](int i, int run) {
        return rows + s.at(part * SKS_SIXTEEN + lane % 4 * 2 + i % 2 + i / 2 * 8) + s.head_dim +
               2 * run;
      };
      uint32_t b[TILES][2];
      uint2 four[4];
#pragma unroll
      for (int run = 0; run < running::STEPS / 2; run++) {
        if (running::SPREAD && run % 4 == 0) {
          float x[4];
#pragma unroll
          for (int i = 0; i < 4; i++)
            x[i] = weights.of[part][0][i] * unit *
                   sks_widen_half(*reinterpret_cast<const uint16_t *>(scales(i, run + lane / 8)));
          sks_cut_weights<product>(x, b[0]);
        }
        if (!running::SPREAD) {
          if (run % 4 == 0)
#pragma unroll
            for (int i = 0; i < 4; i++) four[i] = *reinterpret_cast<const uint2 *>(scales(i, run));
#pragma unroll
          for (int tile = 0; tile < TILES; tile++) {
            float x[4];
#pragma unroll
            for (int i = 0; i < 4; i++) {
              float2 pair = sks_widen_2_f16(run % 4 < 2 ? four[i].x : four[i].y);
              x[i] = weights.of[part][tile][i] * unit * (run % 2 ? pair.y : pair.x);
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
}

// What a lane has of query `tile` * 4 + lane % 4: 2 * STEPS weighted values; number i is that of
// channel sks_lane_channel. Lanes that differ in lane % 4 alone share a single query: each of them
// has all, but with Q8_0 every other four.
template <typename running>
__device__ static inline float sks_lane_value(const running &r, int tile, int i) {
  const float(&its)[4] = r.values[i / 2][tile];
  float unit = running::SCALED ? __int_as_float((127 + r.exponent - 29) << 23) : 1.0f;
  return (i % 2 ? its[2] + its[3] : its[0] + its[1]) * unit;
}

template <bool scaled>
__device__ static inline int sks_lane_channel(int lane, int i) {
  return i / 2 * 16 + (scaled ? lane / 4 * 2 + i % 2 : i % 2 * 8 + lane / 4);
}

// A warp's softmax begins with the newest key, whose value is a row of shared memory.
template <typename kv, int queries, int most_steps, typename function>
__device__ static inline void sks_begin_running(sks_running<kv, queries, most_steps> &r,
                                                int head_dim, int heads, const char *new_value,
                                                const function &score_of) {
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
  float value[2 * most_steps];
#pragma unroll
  for (int i = 0; i < 2 * most_steps; i++) {
    int c = sks_lane_channel<kv::SCALED>(lane, i);
    value[i] = c < head_dim ? sks_load_channel<kv>(new_value, head_dim, c) : 0.0f;
  }
  float unit = kv::SCALED ? __int_as_float((127 + 29 - r.exponent) << 23) : 1.0f;
#pragma unroll
  for (int tile = 0; tile < r.TILES; tile++) {
    int q = queries == 1 ? 0 : tile * 4 + lane % 4;
    if (q >= heads) continue;
    float score = score_of(q), weight = sks_exp2(score - (score == -INFINITY ? 0.0f : score));
    r.largest[tile] = score;
    r.sum[tile] = lane < 4 ? weight : 0.0f;
#pragma unroll
    for (int i = 0; i < 2 * most_steps; i++)
      r.values[i / 2][tile][i % 2 * 2] = weight * value[i] * unit;
  }
}

// The sum of the weights of the lane's query, of all lanes.
template <typename running>
__device__ static inline float sks_lane_sum(const running &r, int tile) {
  float sum = r.sum[tile];
#pragma unroll
  for (int apart = 4; apart < SKS_WARP; apart *= 2) sum += __shfl_xor_sync(~0u, sum, apart);
  return sum;
}

#endif
