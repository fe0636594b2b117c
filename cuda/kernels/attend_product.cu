// Attention row by row over keys of 16 bits. Every warp goes through runs of keys of its own, with
// a running softmax, and has the next ones on their way; products run on the tensor cores, whose
// few instructions leave it to wait for memory alone. Queries and weights are cut into two
// numbers of the keys' type, high and low, side by side as columns: their products are exact and
// sums are float32, so that nothing is rounded to 16 bits (2^-22 is left over of f16, 2^-17 of
// bf16). The newest key, which may not be in the cache yet, meets the queries in float32.
#include "cuda/kernels/device/attend_job.cuh"
#include "cuda/kernels/device/attend_mailbox.cuh"
#include "cuda/kernels/device/matrix_product.cuh"

namespace {

enum {
  WARPS = 4,
  THREADS = WARPS * SKS_WARP,
  SIXTEEN = 16,  // keys of a product
  HALVES = 2,    // products of a run: neither waits for the other
  RUN = HALVES * SIXTEEN
};

enum {
  MOST_PARTS = 8,         // of a row: a cluster
  MOST_BLOCKS = 128,      // of a row: a processor each, and all at once
  LEAST_BYTES = 88 << 10  // of shared memory: three blocks do not share a processor
};

// Into how many parts a row is cut. Where there are many rows, long parts keep memory busier.
__host__ __device__ int64_t parts_of(const sks_cuda_attention &attention, int64_t keys, bool many) {
  int64_t group = attention.heads / attention.kv_heads;
  int64_t blocks = attention.kv_heads * ((group + SKS_ATTEND_QUERIES - 1) / SKS_ATTEND_QUERIES);
  int64_t most = many || blocks * MOST_PARTS <= MOST_BLOCKS ? MOST_PARTS : MOST_BLOCKS / blocks;
  int64_t least = !many ? 64 : attention.kv_heads < SKS_ATTEND_FEW_HEADS ? 256 : 512;
  int64_t parts = (keys - 1 + least - 1) / least;
  parts = parts < most ? parts : most;
  return parts < 1 ? 1 : parts;
}

// Of heads of up to 16 `steps` channels, those behind head_dim zero.
template <int steps>
struct shape {
  // Bytes of a row in shared memory: an odd number of 16, against bank conflicts.
  static constexpr int STRIDE = steps * 32 + 16;
  static constexpr int RUN_BYTES = RUN * STRIDE;
  // Elements of a query column: 4 words from a whole number of banks.
  static constexpr int QUERY_STRIDE = (steps * 16 + 63) / 64 * 64 + 8;
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

// What a warp has of its keys, or of its values: a run, and after it the next. The threads copy by
// themselves: the copy engine would put them behind the weights that the kernel after has asked it
// for.
template <int steps>
struct warp_run {
  using s = shape<steps>;
  char *memory;
  const char *rows;  // of the cache
  int pitch;
  int32_t end;  // of the keys that lie in the cache

  __device__ void start(const sks_key_slots &slots, int32_t first) const {
    constexpr int pieces = 2 * steps;  // of 16 bytes that a row can have
    constexpr int at_once = SKS_WARP / pieces;
    int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
    int row = lane / pieces, at = lane % pieces * 16;
    char *to = memory + row * s::STRIDE + at;
    if (first + RUN <= end && slots.adjoin(first, first + RUN - 1)) {
      const char *from = rows + (slots.of(first) + row) * pitch + at;
#pragma unroll
      for (int i = 0; i < RUN; i += at_once, from += at_once * pitch)
        if (at < pitch) sks_copy_16(to + i * s::STRIDE, from);
    } else if (first < end) {
#pragma unroll 1
      for (int i = 0; i < RUN; i += at_once, to += at_once * s::STRIDE) {
        int32_t key = first + i + row;
        const char *from = key < end ? rows + slots.of(key) * pitch + at : rows;
        // A weight of zero must meet a number: rows that are not there are zero.
        if (at < pitch) sks_copy_16(to, from, key < end ? 16 : 0);
      }
    }
    sks_copy_commit();
    // The run behind comes nearer.
    int32_t key = first + WARPS * RUN + lane;
    for (int i = 0; key < end && i < pitch; i += 128)
      sks_prefetch(rows + slots.of(key) * pitch + i);
  }

  // Channels behind head_dim, which no copy writes, must be numbers too.
  __device__ void clear_behind() const {
    for (int at = pitch; at < steps * 32; at += 16)
      for (int row = static_cast<int>(threadIdx.x) % SKS_WARP; row < RUN; row += SKS_WARP)
        *reinterpret_cast<uint4 *>(memory + row * s::STRIDE + at) = make_uint4(0, 0, 0, 0);
  }
};

// All copies of the warp's but those that it started last have arrived.
__device__ void wait_for_older_run() {
  sks_copy_wait<1>();
  __syncwarp();
}

// A warp's running softmax: of query 4 tile + lane % 4 the largest score and this lane's share of
// the sum; of its channels 16 step + lane / 4 and that + 8 the weighted values, high and low.
template <int tiles, int steps>
struct running {
  float largest[tiles], sum[tiles], values[steps][tiles][4];
};

template <typename product, int queries>
__device__ void put_query(uint16_t *columns, int stride, int q, int c, float x) {
  uint16_t high = product::narrow(x);
  columns[2 * q * stride + c] = high;
  columns[(2 * q + 1) * stride + c] = product::narrow(x - product::widen(high));
}

// That registers of a processor are enough for: beside 48 K of those for a linear layer, one.
constexpr int blocks_of(int queries, int most_steps) {
  return most_steps > 8 ? 1 : queries > 4 ? 2 : 4;
}

template <typename kv, typename product, int queries, int most_steps>
__global__ __launch_bounds__(THREADS,
                             blocks_of(queries, most_steps)) void attend(sks_attend_job job) {
  constexpr int COLUMNS = 2 * queries, TILES = (COLUMNS + 7) / 8;
  extern __shared__ __align__(128) char shared[];
  __shared__ float new_key[SKS_MAX_HEAD_DIM], new_value[SKS_MAX_HEAD_DIM], new_scores[queries];
#if __CUDA_ARCH__ >= 900
  __shared__ sks_arrivals arrived;  // what others send
#endif
  const sks_cuda_attention &attention = job.attention;
  const int head_dim = attention.head_dim;
  using s = shape<most_steps>;
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
  char *runs = shared + warp * 2 * s::RUN_BYTES;
  const warp_run<most_steps> keys_run = {runs, head.keys, head.pitch, end};
  const warp_run<most_steps> values_run = {runs + s::RUN_BYTES, head.values, head.pitch, end};
  uint16_t *cached = reinterpret_cast<uint16_t *>(shared + WARPS * 2 * s::RUN_BYTES);
  uint16_t *streamed = cached + COLUMNS * s::QUERY_STRIDE;

#if __CUDA_ARCH__ >= 900
  const sks_attend_mailbox<THREADS> mailbox(
      reinterpret_cast<float *>(streamed + COLUMNS * s::QUERY_STRIDE), parts, queries,
      heads * head_dim);
  if (threadIdx.x == 0) {
    sks_arrivals_init(&arrived);
    sks_arrivals_ready();
    sks_arrivals_expect(&arrived, mailbox.bytes_for(part, heads));
  }
  __syncwarp();
  sks_cluster_arrive();
#endif
  keys_run.clear_behind();
  values_run.clear_behind();
  keys_run.start(slots, first + warp * RUN);
  values_run.start(slots, first + warp * RUN);
  if (job.fused) sks_wait_for_previous();

  // Queries, rotated at the token's position in the stream and in the cache, and scaled so that
  // weights are powers of two; and the newest row.
  bool newest = part == parts - 1;
  int half = attention.rotary_half;
  const float *phases = job.step.phases + row * 4 * half;
  const float *x = job.in.queries + row * job.in.row_stride + kv_head * job.in.group_stride;
  for (int c = static_cast<int>(threadIdx.x); c < most_steps * 16; c += THREADS) {
    bool valid = c < head_dim;
    const sks_rotation rotation(attention, c);
    float scale = attention.scale * SKS_LOG2_E;
#pragma unroll
    for (int q = 0; q < queries; q++) {
      const float *its = x + (first_query + q) * head_dim;
      bool there = valid && q < heads;
      put_query<product, queries>(streamed, s::QUERY_STRIDE, q, c,
                                  there ? rotation.of(its, phases, half) * scale : 0.0f);
      if (first < slots.ends[0])
        put_query<product, queries>(
            cached, s::QUERY_STRIDE, q, c,
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

  for (int32_t at = first + warp * RUN; at < end; at += WARPS * RUN) {
    wait_for_older_run();
    const char *key_row = keys_run.memory + lane % 16 * s::STRIDE + lane / 16 * 16;
    float scores[TILES][HALVES][2];
    for (int stream = at + RUN <= slots.ends[0] ? 0 : 1, last = at < slots.ends[0] ? 0 : 1;
         stream >= last; stream--) {
      const uint16_t *columns = stream ? streamed : cached;
      float sums[HALVES][TILES][4] = {};
#pragma unroll
      for (int k = 0; k < most_steps; k++) {
        uint32_t a[HALVES][4];
#pragma unroll
        for (int half = 0; half < HALVES; half++)
          sks_load_matrices(a[half], key_row + half * SIXTEEN * s::STRIDE + k * 32);
#pragma unroll
        for (int tile = 0; tile < TILES; tile++) {
          uint32_t b0, b1;
          load_columns<COLUMNS>(columns, s::QUERY_STRIDE, tile, k * 16, b0, b1);
#pragma unroll
          for (int half = 0; half < HALVES; half++) product::add(sums[half][tile], a[half], b0, b1);
        }
      }
#pragma unroll
      for (int tile = 0; tile < TILES; tile++)
#pragma unroll
        for (int half = 0; half < HALVES; half++)
#pragma unroll
          for (int i = 0; i < 2; i++)
            if (stream == 1 || at + half * SIXTEEN + lane / 4 + 8 * i < slots.ends[0])
              scores[tile][half][i] = sums[half][tile][2 * i] + sums[half][tile][2 * i + 1];
    }
    __syncwarp();
    keys_run.start(slots, at + WARPS * RUN);

    uint32_t weights[HALVES][TILES][2];
#pragma unroll
    for (int tile = 0; tile < TILES; tile++) {
      float best = r.largest[tile];
#pragma unroll
      for (int half = 0; half < HALVES; half++)
#pragma unroll
        for (int i = 0; i < 2; i++) {
          int32_t key = at + half * SIXTEEN + lane / 4 + 8 * i;
          float &score = scores[tile][half][i];
          // Keys that a token sees stand side by side in the cache.
          score -= slopes[tile] * static_cast<float>(keys - 1 - key);
          if (key >= end) score = -INFINITY;
          best = fmaxf(best, score);
        }
#pragma unroll
      for (int apart = 4; apart < SKS_WARP; apart *= 2)
        best = fmaxf(best, __shfl_xor_sync(~0u, best, apart));
      float base = best == -INFINITY ? 0.0f : best, keep = sks_exp2(r.largest[tile] - base);
      r.largest[tile] = best;
      r.sum[tile] *= keep;
      if (__any_sync(~0u, keep != 1.0f)) {
#pragma unroll
        for (int k = 0; k < most_steps; k++)
#pragma unroll
          for (int e = 0; e < 4; e++) r.values[k][tile][e] *= keep;
      }
#pragma unroll
      for (int half = 0; half < HALVES; half++) {
        float p[2];
#pragma unroll
        for (int i = 0; i < 2; i++) p[i] = sks_exp2(scores[tile][half][i] - base);
        r.sum[tile] += p[0] + p[1];
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
        weights[half][tile][0] = product::narrow_2(w[0], w[1]);
        weights[half][tile][1] = product::narrow_2(w[2], w[3]);
      }
    }
    wait_for_older_run();
    const char *value_row =
        values_run.memory + (lane % 8 + lane / 16 * 8) * s::STRIDE + lane / 8 % 2 * 16;
#pragma unroll
    for (int half = 0; half < HALVES; half++)
#pragma unroll
      for (int k = 0; k < most_steps; k++) {
        uint32_t a[4];
        sks_load_transposed(a, value_row + half * SIXTEEN * s::STRIDE + k * 32);
#pragma unroll
        for (int tile = 0; tile < TILES; tile++)
          product::add(r.values[k][tile], a, weights[half][tile][0], weights[half][tile][1]);
      }
    __syncwarp();
    values_run.start(slots, at + WARPS * RUN);
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
        float query = product::widen(streamed[2 * q * s::QUERY_STRIDE + c]) +
                      product::widen(streamed[(2 * q + 1) * s::QUERY_STRIDE + c]);
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
  sks_cluster_wait();
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
    mailbox.send(i, part, value, &arrived);
    if (c == 0) mailbox.send(q, part, largest, sum, &arrived);
#else
    int64_t at = (local_row * attention.heads + first_head + q) * job.most_parts + part;
    job.values[at * head_dim + c] = value;
    if (c == 0) job.stats[at] = make_float2(largest, sum);
#endif
  }
  if (parts == 1) return;
#if __CUDA_ARCH__ >= 900
  if (part >= mailbox.merging()) return;
  sks_arrivals_wait(&arrived, 0);
  mailbox.merge(job, row, first_head, part);
#else
  if (!sks_last_part(job, local_row, parts)) return;
  sks_merge_parts<queries>(job, local_row, first_head, heads, parts);
#endif
}

template <typename kv, typename product, int queries, int most_steps>
cudaError_t launch(cudaStream_t stream, sks_attend_job job, int64_t rows, bool overlap) {
  using s = shape<most_steps>;
  job.subgroups = (job.group + queries - 1) / queries;
  dim3 grid(static_cast<unsigned>(job.most_parts),
            static_cast<unsigned>(job.attention.kv_heads * job.subgroups),
            static_cast<unsigned>(rows));
  int64_t ring = WARPS * 2 * s::RUN_BYTES;
  int64_t results = static_cast<int64_t>(WARPS) * queries * (job.attention.head_dim * 4 + 8);
  // Results may not reach the queries behind the ring, which the newest key still meets.
  if (results > ring) return cudaErrorInvalidValue;
  int64_t bytes =
      ring + 2 * 2 * queries * s::QUERY_STRIDE * 2 +
      sks_attend_mailbox<THREADS>::bytes(job.most_parts, queries, queries * job.attention.head_dim);
  sks_card card = {};
  cudaError_t error = sks_card_of(&card);
  if (error != cudaSuccess) return error;
  if (card.major >= 9 && bytes < LEAST_BYTES) bytes = LEAST_BYTES;
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
