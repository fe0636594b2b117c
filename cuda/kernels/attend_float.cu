// Attention row by row over keys of float32: a block loads a chunk of keys and values whole, and
// three blocks of a processor take turns to wait.
#include "cuda/kernels/device/attend_float.cuh"
#include "cuda/kernels/device/attend_job.cuh"
#include "cuda/kernels/device/rotate.cuh"
#include "cuda/kernels/device/stage.cuh"

namespace {

enum {
  THREADS = SKS_ATTEND_THREADS,
  WARPS = SKS_ATTEND_WARPS,
  LEAST_CHUNK_BITS = 5,
  FEW_HEADS = 16,      // with fewer KV heads rows are cut finer, for blocks on all processors
  CHUNK_BYTES = 34816  // of keys, and as many of values: three blocks share a processor
};

// Keys of a block: two to the power of this. It depends on the model alone, so that results do.
int32_t chunk_bits_of(const sks_cuda_attention *attention) {
  int64_t pitch = sks_cuda_row_pitch(attention->type, attention->head_dim);
  int64_t most = SKS_ATTEND_MOST_KEYS / (attention->kv_heads < FEW_HEADS ? 2 : 1);
  int32_t bits = LEAST_CHUNK_BITS;
  while (INT64_C(2) << bits <= most && (INT64_C(2) << bits) * pitch <= CHUNK_BYTES) bits++;
  return bits;
}

// Chunks that `keys` keys are cut into, and keys of one of them: about the same for all.
__host__ __device__ int64_t chunks_of(int64_t keys, int32_t chunk_bits) {
  return (keys + (INT64_C(1) << chunk_bits) - 1) >> chunk_bits;
}

__device__ int32_t length_of(int32_t keys, int32_t chunks) {
  return ((keys + chunks - 1) / chunks + 7) / 8 * 8;
}

// What the blocks of some rows leave, of each (row, query head, part): largest score and sum of
// weights, then the weighted values. Zero before and after.
struct parts_in_memory {
  float2 *stats;  // [rows, heads, most_parts]
  float *values;  // [rows, heads, most_parts, head_dim]
  __host__ __device__ static int64_t stats_bytes(int64_t rows, int64_t heads, int64_t parts) {
    return sks_round_up(rows * heads * parts * static_cast<int64_t>(sizeof(float2)), 256);
  }
  __device__ explicit parts_in_memory(const sks_attend_job &job)
      : stats(reinterpret_cast<float2 *>(job.parts_memory)),
        values(reinterpret_cast<float *>(
            job.parts_memory + stats_bytes(gridDim.z, job.attention.heads, job.most_parts))) {}
};

// The block's part of a row is written; true in the block that was the last of the row's.
__device__ bool is_last_part(const sks_attend_job &job, int64_t row, int parts) {
  __shared__ bool last;
  __syncthreads();
  if (threadIdx.x == 0) {
    // What the block wrote, which the barrier has gathered, comes before its ticket.
    __threadfence();
    int32_t *ticket = job.tickets + row * gridDim.y + blockIdx.y;
    last = atomicAdd(ticket, 1) == parts - 1;
    if (last) *ticket = 0;
    __threadfence();
  }
  __syncthreads();
  return last;
}

// All parts of a row are there: they merge in order. `row` of this launch.
template <int queries>
__device__ void merge_parts(const sks_attend_job &job, const parts_in_memory &left, int64_t row,
                            int first_head, int heads, int parts) {
  __shared__ float2 ends[queries];
  int head_dim = job.attention.head_dim, lane = static_cast<int>(threadIdx.x) % SKS_WARP;
  int64_t first = (row * job.attention.heads + first_head) * job.most_parts;
  for (int q = static_cast<int>(threadIdx.x) / SKS_WARP; q < heads; q += WARPS) {
    const float2 *stats = left.stats + first + static_cast<int64_t>(q) * job.most_parts;
    float largest = -INFINITY, sum = 0;
    for (int i = lane; i < parts; i += SKS_WARP) largest = fmaxf(largest, __ldcg(&stats[i].x));
    largest = sks_warp_max(largest);
    for (int i = lane; i < parts; i += SKS_WARP) {
      float2 part = __ldcg(&stats[i]);
      if (part.x > -INFINITY || part.y != part.y) sum += part.y * exp2f(part.x - largest);
    }
    float factor = sks_softmax_factor(job, first_head + q, largest, sks_warp_sum(sum));
    if (lane == 0) ends[q] = make_float2(largest, factor);
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < heads * head_dim; i += THREADS) {
    int q = i / head_dim, c = i % head_dim;
    int64_t at = first + static_cast<int64_t>(q) * job.most_parts;
    float largest = ends[q].x, sum = 0;
#pragma unroll 8
    for (int part = 0; part < parts; part++) {
      float weight = __ldcg(&left.stats[at + part].x);
      weight = weight == -INFINITY ? 0.0f : exp2f(weight - largest);
      sum = fmaf(__ldcg(left.values + (at + part) * head_dim + c), weight, sum);
    }
    // Not between the loads, which would wait for each other then.
    for (int part = 0; part < parts; part++) left.values[(at + part) * head_dim + c] = 0;
    job.in.out[((row + job.first_row) * job.attention.heads + first_head + q) * head_dim + c] =
        sum * ends[q].y;
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < heads * parts; i += THREADS)
    left.stats[first + i / parts * job.most_parts + i % parts] = make_float2(0, 0);
}

// Keys [first, first + count) of those that a token sees.
struct piece {
  int32_t first, count;
  sks_key_slots slots;
  __device__ int64_t slot(int32_t i) const { return slots.of(first + i); }
};

// Starts the copy of `count` rows of the piece: on Hopper a row a thread, of those from `from` on.
__device__ void start_rows(const piece &part, int32_t count, const char *rows, int pitch,
                           char *shared, int stride, int from, sks_arrivals *arrivals) {
#if __CUDA_ARCH__ >= 900
  int row = static_cast<int>(threadIdx.x) - from;
  if (row < 0 || row >= count) return;
  sks_bulk_copy(shared + row * stride, rows + part.slot(row) * pitch, static_cast<uint32_t>(pitch),
                arrivals);
#else
  int pieces = pitch / 16;
  for (int i = static_cast<int>(threadIdx.x); i < count * pieces; i += THREADS) {
    int row = i / pieces, at = i % pieces * 16;
    sks_copy_16(shared + row * stride + at, rows + part.slot(row) * pitch + at);
  }
  sks_copy_commit();
#endif
}

// The copies that were started first, or last, have arrived; the block meets after it.
template <int later>
__device__ void wait_for_rows(sks_arrivals *arrivals) {
#if __CUDA_ARCH__ >= 900
  sks_arrivals_wait(arrivals, 0);
#else
  sks_copy_wait<later>();
#endif
}

// The block's queries, rotated at the token's position in the stream or in the cache, and scaled so
// that weights are powers of two.
template <int queries>
__device__ void load_queries(const sks_attend_job &job, int64_t row, int kv_head, int first_query,
                             bool at_stream, const sks_attend_float<queries> &at) {
  const sks_cuda_attention &attention = job.attention;
  int head_dim = attention.head_dim, half = attention.rotary_half;
  const float *phases = job.step.phases + (row * 4 + (at_stream ? 0 : 2)) * half;
  const float *x = job.in.queries + row * job.in.row_stride + kv_head * job.in.group_stride;
  int c = static_cast<int>(threadIdx.x);
  if (c >= at.channels) return;
  const sks_rotation rotation(attention, c);
#pragma unroll
  for (int q = 0; q < queries; q++) {
    float rotated = 0;
    if (c < head_dim && first_query + q < job.group)
      rotated = rotation.of(x + (first_query + q) * head_dim, phases, half);
    at.put_query(at_stream, q, c, rotated * (attention.scale * SKS_LOG2_E));
  }
}

// The token's own row, from where the layer's input left it: into shared memory at `i`, and, by one
// block for each KV head, into the cache.
template <int queries>
__device__ void take_new_row(const sks_attend_job &job, const sks_cuda_token &token, int64_t row,
                             int kv_head, bool store, const sks_kv_head &head,
                             const sks_attend_float<queries> &at, int32_t i) {
  int c = static_cast<int>(threadIdx.x), head_dim = job.attention.head_dim;
  bool valid = c < head_dim;
  int64_t from = row * job.rows.row_stride + kv_head * job.rows.head_stride;
  const float *phases = job.step.phases + row * 4 * job.attention.rotary_half;
  float key = 0, value = 0;
  if (valid) {
    key =
        sks_rotation(job.attention, c).of(job.rows.keys + from, phases, job.attention.rotary_half);
    value = job.rows.values[from + c];
  }
  sks_store_channel<sks_kv_f32>(key, c, valid, at.keys + i * at.stride, head_dim);
  sks_store_channel<sks_kv_f32>(value, c, valid, at.values + i * at.stride, head_dim);
  if (!store) return;
  sks_store_channel<sks_kv_f32>(key, c, valid, head.keys + token.slot * head.pitch, head_dim);
  sks_store_channel<sks_kv_f32>(value, c, valid, head.values + token.slot * head.pitch, head_dim);
}

// Weights of the keys for one query, by a warp: powers of two below the largest score.
template <int queries>
__device__ float2 weigh(const sks_attend_float<queries> &at, const piece &part, int q, float slope,
                        int32_t last_key) {
  enum { MOST_KEYS = SKS_ATTEND_MOST_KEYS / SKS_WARP };
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP, chunk = 1 << at.chunk_bits;
  float scores[MOST_KEYS], largest = -INFINITY;
#pragma unroll
  for (int i = 0; i < MOST_KEYS; i++) {
    int key = i * SKS_WARP + lane;
    scores[i] = -INFINITY;
    if (key >= part.count) continue;
    float score = 0;
    for (int share = 0; share < at.shares(); share++)
      score += at.scores[(share * queries + q) * chunk + key];
    // Keys that a token sees stand side by side in the cache.
    scores[i] = score - slope * static_cast<float>(last_key - part.first - key);
    // A NaN must show in the output, and fmaxf drops it: the sum has it.
    largest = fmaxf(largest, scores[i]);
  }
  largest = sks_warp_max(largest);
  float sum = 0;
#pragma unroll
  for (int i = 0; i < MOST_KEYS; i++) {
    int key = i * SKS_WARP + lane;
    if (key >= chunk) continue;
    float weight = scores[i] == -INFINITY ? 0.0f : exp2f(scores[i] - largest);
    at.put_weight(key, q, weight);
    sum += weight;
  }
  return make_float2(largest, sks_warp_sum(sum));
}

template <int queries>
__global__ __launch_bounds__(THREADS, 3) void attend(sks_attend_job job, int bits) {
  extern __shared__ __align__(16) char shared[];
  __shared__ float2 stats[queries];
  __shared__ sks_arrivals arrivals[2];  // of keys, and of values
  const sks_cuda_attention &attention = job.attention;
  int64_t local_row = blockIdx.z, row = job.first_row + local_row;
  int kv_head = static_cast<int>(blockIdx.y) / job.subgroups;
  int subgroup = static_cast<int>(blockIdx.y) % job.subgroups;
  int first_query = subgroup * queries;
  int heads = job.group - first_query < queries ? job.group - first_query : queries;
  int first_head = kv_head * job.group + first_query;

  sks_let_next_start();
  // The token is older than the launch before this one; rows that were stored by it are not.
  if (!job.fused) sks_wait_for_previous();
  const sks_cuda_token token = job.step.tokens[row];
  int32_t keys = token.slot < 0 ? 0 : static_cast<int32_t>(token.keys);
  int32_t chunks = static_cast<int32_t>(chunks_of(keys, bits));
  int32_t chunk = static_cast<int32_t>(blockIdx.x);
  if (chunk >= chunks) {
    sks_wait_for_previous();
    return;
  }
  int32_t length = length_of(keys, chunks), first = chunk * length;
  const piece part = {first, keys - first < length ? keys - first : length, sks_key_slots(token)};
  const sks_kv_head head = sks_kv_head_of(SKS_F32, attention.head_dim, token.base,
                                          token.layer_bytes, token.slots, job.layer, kv_head);
  const sks_attend_float<queries> at(shared, head.pitch, attention.head_dim, bits);

  // The newest row is the last key; where it is not in the cache yet, it comes later.
  bool newest = job.fused && chunk == chunks - 1;
  int32_t stored = newest ? part.count - 1 : part.count;
  if (threadIdx.x == 0) {
    sks_arrivals_init(&arrivals[0]);
    sks_arrivals_init(&arrivals[1]);
    sks_arrivals_ready();
    sks_arrivals_expect(&arrivals[0], static_cast<uint32_t>(stored * head.pitch));
    sks_arrivals_expect(&arrivals[1], static_cast<uint32_t>(stored * head.pitch));
  }
  __syncthreads();
  start_rows(part, stored, head.keys, head.pitch, at.keys, at.stride, 0, &arrivals[0]);
  start_rows(part, stored, head.values, head.pitch, at.values, at.stride,
             THREADS - SKS_ATTEND_MOST_KEYS, &arrivals[1]);
  if (job.fused) sks_wait_for_previous();

  int32_t sinks = part.slots.ends[0] - first;
  load_queries(job, row, kv_head, first_query, true, at);
  if (sinks > 0) load_queries(job, row, kv_head, first_query, false, at);
  if (newest) take_new_row(job, token, row, kv_head, subgroup == 0, head, at, stored);

  wait_for_rows<1>(&arrivals[0]);
  __syncthreads();
  at.score(part.count, sinks);
  __syncthreads();
  int warp = static_cast<int>(threadIdx.x) / SKS_WARP;
  for (int q = warp; q < queries; q += WARPS) {
    float slope =
        attention.slopes && q < heads ? attention.slopes[first_head + q] * SKS_LOG2_E : 0.0f;
    float2 found = weigh(at, part, q, slope, keys - 1);
    if (threadIdx.x % SKS_WARP == 0) stats[q] = found;
  }
  wait_for_rows<0>(&arrivals[1]);
  __syncthreads();
  int groups = at.sum(part.count);
  __syncthreads();

  const float *sums = reinterpret_cast<const float *>(at.keys);
  int head_dim = attention.head_dim;
  const parts_in_memory left(job);
  int64_t parts = (local_row * attention.heads + first_head) * job.most_parts + chunk;
  for (int i = static_cast<int>(threadIdx.x); i < heads * head_dim; i += THREADS) {
    int q = i / head_dim, c = i % head_dim;
    float sum = 0;
    for (int group = 0; group < groups; group++)
      sum += sums[(group * queries + q) * at.channels + c];
    if (chunks > 1) {
      left.values[(parts + static_cast<int64_t>(q) * job.most_parts) * head_dim + c] = sum;
    } else {
      float factor = sks_softmax_factor(job, first_head + q, stats[q].x, stats[q].y);
      job.in.out[(row * attention.heads + first_head + q) * head_dim + c] = sum * factor;
    }
  }
  if (chunks == 1) return;
  if (static_cast<int>(threadIdx.x) < heads)
    left.stats[parts + static_cast<int64_t>(threadIdx.x) * job.most_parts] = stats[threadIdx.x];
  if (!is_last_part(job, local_row, chunks)) return;
  merge_parts<queries>(job, left, local_row, first_head, heads, chunks);
}

template <int queries>
cudaError_t launch(cudaStream_t stream, sks_attend_job job, int64_t rows, bool overlap) {
  int pitch = static_cast<int>(sks_cuda_row_pitch(SKS_F32, job.attention.head_dim));
  int bits = chunk_bits_of(&job.attention);
  size_t bytes = sks_attend_float<queries>(nullptr, pitch, job.attention.head_dim, bits).bytes();
  job.subgroups = (job.group + queries - 1) / queries;
  dim3 grid(static_cast<unsigned>(job.most_parts),
            static_cast<unsigned>(job.attention.kv_heads * job.subgroups),
            static_cast<unsigned>(rows));
  return sks_launch(attend<queries>, grid, THREADS, bytes, stream, overlap, job, bits);
}

}  // namespace

int64_t sks_attend_float_parts(const sks_cuda_attention *attention, int64_t keys) {
  return chunks_of(keys, chunk_bits_of(attention));
}

int64_t sks_attend_float_bytes(const sks_cuda_attention *attention, int64_t rows, int64_t parts) {
  return parts_in_memory::stats_bytes(rows, attention->heads, parts) +
         rows * attention->heads * parts * attention->head_dim * 4;
}

cudaError_t sks_attend_float_launch(cudaStream_t stream, const sks_attend_job &job, int64_t rows,
                                    bool overlap) {
  if (job.group == 1) return launch<1>(stream, job, rows, overlap);
  if (job.group == 2) return launch<2>(stream, job, rows, overlap);
  if (job.group <= 4) return launch<4>(stream, job, rows, overlap);
  return launch<SKS_ATTEND_QUERIES>(stream, job, rows, overlap);
}
