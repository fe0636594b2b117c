// Attention row by row over keys of 16 bits. Every warp goes through sixteens of keys of its own,
// with a running softmax, and has the next ones on their way; products run on the tensor cores,
// whose few instructions leave it to wait for memory alone. Queries and weights are cut into two
// numbers of the keys' type, high and low, side by side as columns: their products are exact and
// sums are float32, so that nothing is rounded to 16 bits (2^-22 is left over of f16, 2^-17 of
// bf16). The newest key, which may not be in the cache yet, meets the queries in float32.
#include <cooperative_groups.h>

#include "cuda/kernels/device/attend_job.cuh"
#include "cuda/kernels/device/matrix_product.cuh"

namespace {

enum {
  WARPS = 4,
  THREADS = WARPS * SKS_WARP,
  SIXTEEN = 16,
  MOST_STAGES = 4,
  WARP_BYTES = 17408  // of a warp's ring: three blocks share a processor
};

enum { MOST_PARTS = 8 };  // of a row: a cluster

// Into how many parts a row is cut. Short ones finish sooner; where there are many rows, long ones
// keep memory busier.
__host__ __device__ int64_t parts_of(const sks_cuda_attention &attention, int64_t keys, bool many) {
  int64_t least = attention.kv_heads < SKS_ATTEND_FEW_HEADS ? 64 : 128;
  if (many) least *= 4;
  int64_t parts = (keys - 1 + least - 1) / least;
  return parts < 1 ? 1 : parts > MOST_PARTS ? MOST_PARTS : parts;
}

struct shape {
  int stages, steps;  // of 16 channels
  int stride;        // bytes of a row in shared memory: an odd number of 16, against bank conflicts
  int query_stride;  // elements of a query column: 4 words from a whole number of banks
  __host__ __device__ explicit shape(int head_dim) {
    steps = (head_dim + 15) / 16;
    stride = steps * 32 + 16;
    stages = WARP_BYTES / (2 * SIXTEEN * stride);
    stages = stages < 2 ? 2 : stages > MOST_STAGES ? MOST_STAGES : stages;
    query_stride = (steps * 16 + 63) / 64 * 64 + 8;
  }
  __host__ __device__ int warp_bytes() const { return stages * 2 * SIXTEEN * stride; }
};

// Columns 8 tile .. 8 tile + 7 of some queries, 16 channels from `at` on: the operand of the lane.
// Columns that are not there are some other, and nobody reads their sums.
template <int columns>
__device__ void load_columns(const uint16_t *rows, int stride, int tile, int at, uint32_t &b0,
                             uint32_t &b1) {
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP, column = tile * 8 + lane / 4;
  if (column >= columns) column = 0;
  const uint16_t *from = rows + column * stride + at + lane % 4 * 2;
  b0 = *reinterpret_cast<const uint32_t *>(from);
  b1 = *reinterpret_cast<const uint32_t *>(from + 8);
}

// A warp's ring of sixteens: keys, then values.
struct warp_ring {
  char *memory;
  sks_arrivals *arrivals;
  const char *keys, *values;  // of the cache
  int pitch;
  int32_t end;  // of the keys that lie in the cache

  __device__ void start(const shape &s, const sks_key_slots &slots, int32_t first,
                        int stage) const {
    int lane = static_cast<int>(threadIdx.x) % SKS_WARP, row = lane % SIXTEEN;
    bool of_keys = lane < SIXTEEN;
    char *to = memory + ((stage * 2 + (of_keys ? 0 : 1)) * SIXTEEN + row) * s.stride;
    if (first < end) {
      int32_t count = end - first < SIXTEEN ? end - first : SIXTEEN;
      const char *from = nullptr;
      if (row < count) from = (of_keys ? keys : values) + slots.of(first + row) * pitch;
#if __CUDA_ARCH__ >= 900
      if (lane == 0)
        sks_arrivals_expect(arrivals + stage, static_cast<uint32_t>(2 * count * pitch));
      if (from) sks_bulk_copy(to, from, static_cast<uint32_t>(pitch), arrivals + stage);
#else
      for (int at = 0; from && at < pitch; at += 16) sks_copy_16(to + at, from + at);
#endif
      // A weight of zero must meet a number.
      if (!from)
        for (int at = 0; at < s.stride; at += 16)
          *reinterpret_cast<uint4 *>(to + at) = make_uint4(0, 0, 0, 0);
    }
#if __CUDA_ARCH__ < 900
    sks_copy_commit();
#endif
  }

  __device__ void wait(const shape &s, int stage, uint32_t parity) const {
#if __CUDA_ARCH__ >= 900
    sks_arrivals_wait(arrivals + stage, parity);
#else
    if (s.stages == 2)
      sks_copy_wait<1>();
    else if (s.stages == 3)
      sks_copy_wait<2>();
    else
      sks_copy_wait<3>();
#endif
    __syncwarp();
  }
};

// A warp's running softmax: of query 4 tile + lane % 4 the largest score and this lane's share of
// the sum; of its channels 16 step + lane / 4 and that + 8 the weighted values, high and low.
template <int tiles, int steps>
struct running {
  float largest[tiles], sum[tiles], values[steps][tiles][4];
};

#if __CUDA_ARCH__ >= 900
// The blocks of a row merge their parts in order, out of each other's shared memory.
__device__ void merge_cluster(const sks_attend_job &job, int64_t row, int first_head, int heads,
                              int part, int parts, float *values, float2 *stats) {
  cooperative_groups::cluster_group cluster = cooperative_groups::this_cluster();
  int head_dim = job.attention.head_dim;
  cluster.sync();
  for (int i = part * THREADS + static_cast<int>(threadIdx.x); i < heads * head_dim;
       i += parts * THREADS) {
    int q = i / head_dim;
    float2 found[MOST_PARTS];
    float values_of[MOST_PARTS], largest = -INFINITY, sum = 0, value = 0;
#pragma unroll
    for (int p = 0; p < MOST_PARTS; p++) {
      if (p >= parts) break;
      found[p] = cluster.map_shared_rank(stats, p)[q];
      values_of[p] = cluster.map_shared_rank(values, p)[i];
      largest = fmaxf(largest, found[p].x);
    }
#pragma unroll
    for (int p = 0; p < MOST_PARTS; p++) {
      if (p >= parts) break;
      float keep = found[p].x == -INFINITY ? 0.0f : sks_exp2(found[p].x - largest);
      sum += keep == 0 && found[p].y == found[p].y ? 0.0f : found[p].y * keep;
      value = fmaf(values_of[p], keep, value);
    }
    sks_softmax_end end = sks_finish_softmax(job, first_head + q, largest, sum);
    job.in.out[(row * job.attention.heads + first_head) * head_dim + i] = value * end.factor;
  }
  // Nobody's memory goes before all have read it.
  cluster.sync();
}
#endif

template <typename product, int queries>
__device__ void put_query(uint16_t *columns, int stride, int q, int c, float x) {
  uint16_t high = product::narrow(x);
  columns[2 * q * stride + c] = high;
  columns[(2 * q + 1) * stride + c] = product::narrow(x - product::widen(high));
}

template <typename kv, typename product, int queries, int most_steps>
__global__ __launch_bounds__(THREADS, most_steps <= 8 ? 3 : 1) void attend(sks_attend_job job) {
  constexpr int COLUMNS = 2 * queries, TILES = (COLUMNS + 7) / 8;
  extern __shared__ __align__(128) char shared[];
  __shared__ sks_arrivals arrivals[WARPS][MOST_STAGES];
  __shared__ float new_key[SKS_MAX_HEAD_DIM], new_value[SKS_MAX_HEAD_DIM], new_scores[queries];
#if __CUDA_ARCH__ >= 900
  __shared__ float2 block_stats[queries];
#endif
  const sks_cuda_attention &attention = job.attention;
  const int head_dim = attention.head_dim;
  const shape s(head_dim);
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
  int warp = static_cast<int>(threadIdx.x) / SKS_WARP;
  int64_t local_row = blockIdx.z, row = job.first_row + local_row;
  int kv_head = static_cast<int>(blockIdx.y) / job.subgroups;
  int subgroup = static_cast<int>(blockIdx.y) % job.subgroups;
  int first_query = subgroup * queries, first_head = kv_head * job.group + first_query;
  int heads = job.group - first_query < queries ? job.group - first_query : queries;

  sks_let_next_start();
  // The token is older than the launch before this one; rows that were stored by it are not.
  if (!job.fused) sks_wait_for_previous();
  const sks_cuda_token &token = job.step.tokens[row];
  int32_t keys = token.slot < 0 ? 0 : static_cast<int32_t>(token.keys);
  int32_t parts = keys ? static_cast<int32_t>(parts_of(attention, keys, job.many)) : 0;
  int32_t part = static_cast<int32_t>(blockIdx.x);
  if (part >= parts) {
    sks_wait_for_previous();
    return;
  }
  int32_t length = ((keys - 1 + parts - 1) / parts + SIXTEEN - 1) / SIXTEEN * SIXTEEN;
  int32_t first = part * length, end = first + length < keys - 1 ? first + length : keys - 1;
  const sks_key_slots slots(token);
  const sks_kv_head head = sks_kv_head_of(kv::TYPE, head_dim, token.base, token.layer_bytes,
                                          token.slots, job.layer, kv_head);
  const warp_ring ring = {
      shared + warp * s.warp_bytes(), arrivals[warp], head.keys, head.values, head.pitch, end};
  uint16_t *cached = reinterpret_cast<uint16_t *>(shared + WARPS * s.warp_bytes());
  uint16_t *streamed = cached + COLUMNS * s.query_stride;

#if __CUDA_ARCH__ >= 900
  if (lane == 0) {
    for (int i = 0; i < s.stages; i++) sks_arrivals_init(ring.arrivals + i);
    sks_arrivals_ready();
  }
#endif
  // Channels behind head_dim, which no copy writes, must be numbers too.
  for (int i = lane; s.steps * 16 > head_dim && i < s.stages * 2 * SIXTEEN; i += SKS_WARP)
    *reinterpret_cast<uint4 *>(ring.memory + i * s.stride + head_dim * 2) = make_uint4(0, 0, 0, 0);
  __syncwarp();
  for (int i = 0; i < s.stages; i++) ring.start(s, slots, first + (warp + i * WARPS) * SIXTEEN, i);
  if (job.fused) sks_wait_for_previous();

  // Queries, rotated at the token's position in the stream and in the cache, and scaled so that
  // weights are powers of two; and the newest row.
  bool newest = part == parts - 1;
  int half = attention.rotary_half;
  const float *phases = job.step.phases + row * 4 * half;
  const float *x = job.in.queries + row * job.in.row_stride + kv_head * job.in.group_stride;
  for (int c = static_cast<int>(threadIdx.x); c < (head_dim + SKS_WARP - 1) / SKS_WARP * SKS_WARP;
       c += THREADS) {
    bool valid = c < head_dim;
    const sks_rotation rotation(attention, c);
    float scale = attention.scale * SKS_LOG2_E;
#pragma unroll
    for (int q = 0; q < queries; q++) {
      const float *its = x + (first_query + q) * head_dim;
      bool there = valid && q < heads;
      if (c >= s.steps * 16) continue;
      put_query<product, queries>(streamed, s.query_stride, q, c,
                                  there ? rotation.of(its, phases, half) * scale : 0.0f);
      if (first < slots.ends[0])
        put_query<product, queries>(
            cached, s.query_stride, q, c,
            there ? rotation.of(its, phases + 2 * half, half) * scale : 0.0f);
    }
    if (!newest) continue;
    if (!job.fused) {
      if (!valid) continue;
      const uint16_t *key = reinterpret_cast<const uint16_t *>(head.keys + token.slot * head.pitch);
      const uint16_t *value =
          reinterpret_cast<const uint16_t *>(head.values + token.slot * head.pitch);
      new_key[c] = product::widen(key[c]);
      new_value[c] = product::widen(value[c]);
      continue;
    }
    int64_t from = row * job.rows.row_stride + kv_head * job.rows.head_stride;
    float key = valid ? rotation.of(job.rows.keys + from, phases, half) : 0.0f;
    float value = valid ? job.rows.values[from + c] : 0.0f;
    if (valid) {
      new_key[c] = product::widen(product::narrow(key));
      new_value[c] = product::widen(product::narrow(value));
    }
    if (subgroup > 0) continue;
    sks_store_channel<kv>(key, c, valid, head.keys + token.slot * head.pitch, head_dim);
    sks_store_channel<kv>(value, c, valid, head.values + token.slot * head.pitch, head_dim);
  }
  __syncthreads();

  running<TILES, most_steps> r;
#pragma unroll
  for (int tile = 0; tile < TILES; tile++) {
    r.largest[tile] = -INFINITY;
    r.sum[tile] = 0;
#pragma unroll
    for (int k = 0; k < most_steps; k++)
#pragma unroll
      for (int e = 0; e < 4; e++) r.values[k][tile][e] = 0;
  }
  float slopes[TILES];
#pragma unroll
  for (int tile = 0; tile < TILES; tile++) {
    int q = tile * 4 + lane % 4;
    slopes[tile] =
        attention.slopes && q < heads ? attention.slopes[first_head + q] * SKS_LOG2_E : 0;
  }

  int stage = 0;
  uint32_t parity = 0;
  for (int32_t at = first + warp * SIXTEEN; at < end; at += WARPS * SIXTEEN) {
    ring.wait(s, stage, parity);
    const char *rows = ring.memory + stage * 2 * SIXTEEN * s.stride;
    const char *key_row = rows + lane % 16 * s.stride + lane / 16 * 16;
    float scores[TILES][2];
    for (int stream = at + SIXTEEN <= slots.ends[0] ? 0 : 1, last = at < slots.ends[0] ? 0 : 1;
         stream >= last; stream--) {
      const uint16_t *columns = stream ? streamed : cached;
      float sums[TILES][4] = {};
#pragma unroll
      for (int k = 0; k < most_steps; k++) {
        if (k >= s.steps) break;
        uint32_t a[4];
        sks_load_matrices(a, key_row + k * 32);
#pragma unroll
        for (int tile = 0; tile < TILES; tile++) {
          uint32_t b0, b1;
          load_columns<COLUMNS>(columns, s.query_stride, tile, k * 16, b0, b1);
          product::add(sums[tile], a, b0, b1);
        }
      }
#pragma unroll
      for (int tile = 0; tile < TILES; tile++)
#pragma unroll
        for (int i = 0; i < 2; i++)
          if (stream == 1 || at + lane / 4 + 8 * i < slots.ends[0])
            scores[tile][i] = sums[tile][2 * i] + sums[tile][2 * i + 1];
    }

    uint32_t weights[TILES][2];
#pragma unroll
    for (int tile = 0; tile < TILES; tile++) {
      float best = r.largest[tile];
#pragma unroll
      for (int i = 0; i < 2; i++) {
        int32_t key = at + lane / 4 + 8 * i;
        // Keys that a token sees stand side by side in the cache.
        scores[tile][i] -= slopes[tile] * static_cast<float>(keys - 1 - key);
        if (key >= end) scores[tile][i] = -INFINITY;
        best = fmaxf(best, scores[tile][i]);
      }
#pragma unroll
      for (int apart = 4; apart < SKS_WARP; apart *= 2)
        best = fmaxf(best, __shfl_xor_sync(~0u, best, apart));
      float base = best == -INFINITY ? 0.0f : best, keep = sks_exp2(r.largest[tile] - base);
      r.largest[tile] = best;
      float p[2] = {sks_exp2(scores[tile][0] - base), sks_exp2(scores[tile][1] - base)};
      r.sum[tile] = r.sum[tile] * keep + p[0] + p[1];
      if (__any_sync(~0u, keep != 1.0f)) {
#pragma unroll
        for (int k = 0; k < most_steps; k++)
#pragma unroll
          for (int e = 0; e < 4; e++) r.values[k][tile][e] *= keep;
      }
      // Column lane / 4 is the high or low part of a query's weights: those of keys 2 (lane % 4)
      // and the next lie in two other lanes.
      int source = lane % 4 * 8 + lane / 8;
      float w[4];
#pragma unroll
      for (int i = 0; i < 4; i++) w[i] = __shfl_sync(~0u, p[i / 2], source + i % 2 * 4);
      if (lane / 4 % 2) {
#pragma unroll
        for (int i = 0; i < 4; i++) w[i] -= product::widen(product::narrow(w[i]));
      }
      weights[tile][0] = product::narrow_2(w[0], w[1]);
      weights[tile][1] = product::narrow_2(w[2], w[3]);
    }
    const char *value_row =
        rows + (SIXTEEN + lane % 8 + lane / 16 * 8) * s.stride + lane / 8 % 2 * 16;
#pragma unroll
    for (int k = 0; k < most_steps; k++) {
      if (k >= s.steps) break;
      uint32_t a[4];
      sks_load_transposed(a, value_row + k * 32);
#pragma unroll
      for (int tile = 0; tile < TILES; tile++)
        product::add(r.values[k][tile], a, weights[tile][0], weights[tile][1]);
    }
    __syncwarp();
    ring.start(s, slots, at + s.stages * WARPS * SIXTEEN, stage);
    if (++stage == s.stages) {
      stage = 0;
      parity ^= 1;
    }
  }

  // The warps' results into shared memory, where their rings were.
  float *found = reinterpret_cast<float *>(shared);
  float2 *found_stats = reinterpret_cast<float2 *>(shared + WARPS * queries * head_dim * 4);
  __syncthreads();
  if (newest) {
    // The queries as the products take them, so that the key weighs as it will from the cache.
    for (int q = warp; q < heads; q += WARPS) {
      float score = 0;
      for (int c = lane; c < head_dim; c += SKS_WARP) {
        float query = product::widen(streamed[2 * q * s.query_stride + c]) +
                      product::widen(streamed[(2 * q + 1) * s.query_stride + c]);
        score = fmaf(query, new_key[c], score);
      }
      score = sks_warp_sum(score);
      if (lane == 0) new_scores[q] = score;
    }
  }
#pragma unroll
  for (int tile = 0; tile < TILES; tile++) {
    int q = tile * 4 + lane % 4;
    float sum = r.sum[tile];
#pragma unroll
    for (int apart = 4; apart < SKS_WARP; apart *= 2) sum += __shfl_xor_sync(~0u, sum, apart);
    if (q >= heads) continue;
    if (lane < 4) found_stats[warp * queries + q] = make_float2(r.largest[tile], sum);
    float *to = found + (warp * queries + q) * head_dim;
#pragma unroll
    for (int k = 0; k < most_steps; k++) {
      int c = k * 16 + lane / 4;
      if (c < head_dim) to[c] = r.values[k][tile][0] + r.values[k][tile][1];
      if (c + 8 < head_dim) to[c + 8] = r.values[k][tile][2] + r.values[k][tile][3];
    }
  }
  __syncthreads();

#if __CUDA_ARCH__ >= 900
  float *block_values = reinterpret_cast<float *>(found_stats + WARPS * queries);
#endif
  for (int i = static_cast<int>(threadIdx.x); i < heads * head_dim; i += THREADS) {
    int q = i / head_dim, c = i % head_dim;
    float largest = newest ? new_scores[q] : -INFINITY, sum = 0, value = 0;
    for (int w = 0; w < WARPS; w++) largest = fmaxf(largest, found_stats[w * queries + q].x);
    float base = largest == -INFINITY ? 0.0f : largest;
    for (int w = 0; w < WARPS; w++) {
      float2 its = found_stats[w * queries + q];
      float keep = its.x == -INFINITY ? 0.0f : sks_exp2(its.x - base);
      // A sum that is no number shows, whatever it is weighed with.
      sum += keep == 0 && its.y == its.y ? 0.0f : its.y * keep;
      value += found[(w * queries + q) * head_dim + c] * keep;
    }
    if (newest) {
      float weight = sks_exp2(new_scores[q] - base);
      sum += weight;
      value += weight * new_value[c];
    }
    if (parts == 1) {
      sks_softmax_end finished = sks_finish_softmax(job, first_head + q, largest, sum);
      job.in.out[(row * attention.heads + first_head + q) * head_dim + c] = value * finished.factor;
      continue;
    }
#if __CUDA_ARCH__ >= 900
    block_values[i] = value;
    if (c == 0) block_stats[q] = make_float2(largest, sum);
#else
    int64_t at = (local_row * attention.heads + first_head + q) * job.most_parts + part;
    job.values[at * head_dim + c] = value;
    if (c == 0) job.stats[at] = make_float2(largest, sum);
#endif
  }
  if (parts == 1) return;
#if __CUDA_ARCH__ >= 900
  merge_cluster(job, row, first_head, heads, part, parts, block_values, block_stats);
#else
  if (!sks_last_part(job, local_row, parts)) return;
  sks_merge_parts<queries>(job, local_row, first_head, heads, parts);
#endif
}

template <typename kv, typename product, int queries, int most_steps>
cudaError_t launch(cudaStream_t stream, sks_attend_job job, int64_t rows, bool overlap) {
  const shape s(job.attention.head_dim);
  job.subgroups = (job.group + queries - 1) / queries;
  dim3 grid(static_cast<unsigned>(job.most_parts),
            static_cast<unsigned>(job.attention.kv_heads * job.subgroups),
            static_cast<unsigned>(rows));
  int64_t ring = WARPS * s.warp_bytes();
  int64_t results = static_cast<int64_t>(WARPS) * queries * (job.attention.head_dim * 4 + 8) +
                    queries * job.attention.head_dim * 4;
  // Results may not reach the queries behind the ring, which the newest key still meets.
  if (results > ring) return cudaErrorInvalidValue;
  int64_t bytes = ring + 2 * 2 * queries * s.query_stride * 2;
  sks_card card = {};
  cudaError_t error = sks_card_of(&card);
  if (error != cudaSuccess) return error;
  return sks_launch_cluster(attend<kv, product, queries, most_steps>, grid, THREADS,
                            card.major >= 9 ? static_cast<unsigned>(job.most_parts) : 0,
                            static_cast<size_t>(bytes), stream, overlap, job);
}

template <typename kv, typename product, int queries>
cudaError_t launch_steps(cudaStream_t stream, const sks_attend_job &job, int64_t rows,
                         bool overlap) {
  int32_t dim = job.attention.head_dim;
  if (dim <= 64) return launch<kv, product, queries, 4>(stream, job, rows, overlap);
  if (dim <= 128) return launch<kv, product, queries, 8>(stream, job, rows, overlap);
  return launch<kv, product, queries, 16>(stream, job, rows, overlap);
}

// Eight columns make four queries; one is worth a form of its own, whose loads are less.
template <typename kv, typename product>
cudaError_t launch_queries(cudaStream_t stream, const sks_attend_job &job, int64_t rows,
                           bool overlap) {
  if (job.group == 1) return launch_steps<kv, product, 1>(stream, job, rows, overlap);
  if (job.group <= 4) return launch_steps<kv, product, 4>(stream, job, rows, overlap);
  return launch_steps<kv, product, SKS_ATTEND_QUERIES>(stream, job, rows, overlap);
}

}  // namespace

int64_t sks_attend_product_parts(const sks_cuda_attention *attention, int64_t keys, bool many) {
  return parts_of(*attention, keys, many);
}

cudaError_t sks_attend_product_launch(cudaStream_t stream, const sks_attend_job &job, int64_t rows,
                                      bool overlap) {
  if (job.attention.type == SKS_F16)
    return launch_queries<sks_kv_f16, sks_product_f16>(stream, job, rows, overlap);
  return launch_queries<sks_kv_bf16, sks_product_bf16>(stream, job, rows, overlap);
}
