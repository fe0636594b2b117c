// Attention of few rows over keys of 16 bits and of Q8_0: a row in parts, so that there are blocks
// for all processors. Every warp goes through runs of keys of its own, with a running softmax, and
// has the next ones on their way; products run on the tensor cores, whose few instructions leave it
// to wait for memory alone. The newest key, which may not be in the cache yet, meets the queries in
// float32: a softmax begins with it.
#include "cuda/kernels/device/async.cuh"
#include "cuda/kernels/device/attend_form.cuh"
#include "cuda/kernels/device/attend_input.cuh"
#include "cuda/kernels/device/attend_posts.cuh"
#include "cuda/kernels/device/input_numbers.cuh"
#include "cuda/kernels/loading.h"

namespace {

enum { WARPS = 4, THREADS = WARPS * SKS_WARP };

enum {
  MOST_PARTS = 8,     // of a row
  MOST_BLOCKS = 128,  // of a row: a processor each, and all at once
  LEAST_KEYS = 64,    // of a part
  MANY_ROWS = 8,      // of a step: there are blocks enough with parts of
  LONG_KEYS = 256,
  LEAST_BYTES = 88 << 10  // of shared memory: three blocks do not share a processor
};

// Into how many parts a row is cut where a step has `rows`, of at most `most`.
template <typename integer>
__host__ __device__ integer parts_of(int32_t rows, integer keys, integer most) {
  integer parts =
      rows < MANY_ROWS ? (keys - 2 + LEAST_KEYS) / LEAST_KEYS : (keys - 2 + LONG_KEYS) / LONG_KEYS;
  parts = parts < most ? parts : most;
  return parts < 1 ? 1 : parts;
}

// How a run of keys, or of values, lies: two sixteens, row behind row.
template <typename kv_type, int most_steps>
struct run_layout {
  using kv = kv_type;
  enum { SIXTEENS = 2, RUN = SIXTEENS * SKS_SIXTEEN };
  // Pieces of 16 bytes that a row can have, and bytes from row to row: an odd number of 16, against
  // bank conflicts.
  enum {
    PIECES = kv::SCALED ? most_steps + 1 : 2 * most_steps,
    STRIDE = kv::SCALED ? PIECES * 16 : PIECES * 16 + 16,
    BYTES = RUN * STRIDE
  };
  static constexpr int query_stride = most_steps * 16 + (kv::SCALED ? 16 : 8);
  int head_dim, steps;
  // Rows of 16 bits have all steps, which are zero behind head_dim.
  __host__ __device__ explicit run_layout(int dim)
      : head_dim(dim),
        steps(kv::SCALED ? (dim + SKS_SCALE_CHANNELS - 1) / SKS_SCALE_CHANNELS * 2 : most_steps) {}
  __device__ static int at(int i) { return i * STRIDE; }
  __device__ static int key(int i) { return i; }
};

// What a warp has of its keys, or of its values: a run, and after it the next. The threads copy by
// themselves: the copy engine would put them behind the weights that the kernel after has asked it
// for.
template <typename layout>
struct warp_run {
  enum { RUN = layout::RUN, STRIDE = layout::STRIDE, PIECES = layout::PIECES };
  char *memory;
  const char *rows;  // of the cache
  int pitch;
  int32_t end;  // of the keys but the newest

  __device__ void start(const sks_key_slots &slots, int32_t first) const {
    if (first >= end) {
      sks_copy_commit();
      return;
    }
    constexpr int at_once = SKS_WARP / PIECES;
    int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
    int row = lane / PIECES, at = lane % PIECES * 16;
    bool copies = row < at_once && at < pitch;
    char *to = memory + row * STRIDE + at;
    if (first + RUN <= end && slots.adjoin(first, first + RUN - 1)) {
      const char *from = rows + (slots.of(first) + row) * pitch + at;
#pragma unroll
      for (int i = 0; i < RUN; i += at_once, from += at_once * pitch)
        if (copies && i + row < RUN) sks_copy_16(to + i * STRIDE, from);
    } else {
      // Some at a time: where the ring turns lies in some part's run, and all wait for that part.
#pragma unroll 4
      for (int i = 0; i < RUN; i += at_once, to += at_once * STRIDE) {
        int32_t key = first + i + row;
        const char *from = key < end ? rows + slots.of(key) * pitch + at : rows;
        // A weight of zero must meet a number: rows that are not there are zero.
        if (copies && i + row < RUN) sks_copy_16(to, from, key < end ? 16 : 0);
      }
    }
    sks_copy_commit();
  }

  // Channels behind head_dim, which no copy writes, must be numbers too.
  __device__ void clear_behind() const {
    for (int at = pitch; at < PIECES * 16; at += 16)
      for (int row = static_cast<int>(threadIdx.x) % SKS_WARP; row < RUN; row += SKS_WARP)
        *reinterpret_cast<uint4 *>(memory + row * STRIDE + at) = make_uint4(0, 0, 0, 0);
  }
};

// All copies of the warp's but those that it started last have arrived.
__device__ void wait_for_older_run() {
  sks_copy_wait<1>();
  __syncwarp();
}

// That registers of a processor are enough for: beside 48 K of those for a linear layer, one.
constexpr int blocks_of(int queries, int most_steps) {
  return most_steps > 8 ? 1 : queries > 4 ? 2 : 4;
}

template <typename kv, typename product, int queries, int most_steps>
__global__ __launch_bounds__(THREADS,
                             blocks_of(queries, most_steps)) void attend(sks_attend_job job) {
  using layout = run_layout<kv, most_steps>;
  using running = sks_running<kv, queries, most_steps>;
  constexpr int RUN = layout::RUN;
  extern __shared__ __align__(128) char shared[];
  __shared__ __align__(16) char new_key[2 * SKS_MAX_HEAD_DIM], new_value[2 * SKS_MAX_HEAD_DIM];
  __shared__ float new_scores[queries][WARPS];
  const sks_cuda_attention &attention = job.attention;
  const int head_dim = attention.head_dim;
  const layout s(head_dim);
  int warp = static_cast<int>(threadIdx.x) / SKS_WARP;
  int64_t local_row = blockIdx.z, row = job.first_row + local_row;
  int kv_head = static_cast<int>(blockIdx.y / static_cast<unsigned>(job.subgroups));
  int subgroup = static_cast<int>(blockIdx.y) - kv_head * job.subgroups;
  int first_query = subgroup * queries, first_head = kv_head * job.group + first_query;
  int heads = job.group - first_query < queries ? job.group - first_query : queries;

  sks_let_next_start();
  // The token is older than the launch before this one; rows that were stored by it are not.
  if (!job.fused) sks_wait_for_previous();
  const sks_cuda_token &token = job.step.tokens[row];
  int32_t keys = token.slot < 0 ? 0 : static_cast<int32_t>(token.keys);
  // Not more than there are blocks, which wait for each other, whatever the keys.
  int32_t parts = keys ? parts_of(job.step.row_count, keys, job.most_parts) : 0;
  int32_t part = static_cast<int32_t>(blockIdx.x);
  if (part >= parts) {
    sks_wait_for_previous();
    return;
  }
  // Unsigned: to divide takes a kernel long.
  uint32_t share = static_cast<uint32_t>(keys - 1 + parts - 1) / static_cast<uint32_t>(parts);
  int32_t length = static_cast<int32_t>((share + SKS_SIXTEEN - 1) / SKS_SIXTEEN * SKS_SIXTEEN);
  int32_t first = part * length, end = first + length < keys - 1 ? first + length : keys - 1;
  const sks_key_slots slots(token);
  const sks_kv_head head = sks_kv_head_of(kv::TYPE, head_dim, token.base, token.layer_bytes,
                                          token.slots, job.layer, kv_head);
  const int32_t sinks = slots.ends[0];
  const int64_t newest_at = token.slot * head.pitch;
  char *runs = shared + warp * 2 * layout::BYTES;
  const warp_run<layout> keys_run = {runs, head.keys, head.pitch, end};
  const warp_run<layout> values_run = {runs + layout::BYTES, head.values, head.pitch, end};
  const sks_query_columns<kv, product> cached(s, shared + WARPS * 2 * layout::BYTES);
  const sks_query_columns<kv, product> streamed(s, cached.end(queries));

  // In a loop: a kernel's instructions come from memory, too.
#pragma unroll 1
  for (int of_values = 0; of_values < 2; of_values++) {
    const warp_run<layout> run = of_values ? values_run : keys_run;
    run.clear_behind();
    run.start(slots, first + warp * RUN);
  }
  sks_attend_input<queries, most_steps, THREADS> input;
  input.begin(job, row, kv_head, first_query);
  if (job.fused) sks_wait_for_previous();

  // Queries, rotated at the token's position in the stream and in the cache, and scaled so that
  // weights are powers of two; and the newest row.
  bool newest = part == parts - 1;
  input.load(job, newest && job.fused);
  float its_scores[queries] = {};
#pragma unroll
  for (int n = 0; n < input.CHANNELS; n++) {
    int c = static_cast<int>(threadIdx.x) + n * THREADS;
    if (c >= most_steps * 16) continue;
    bool valid = c < head_dim;
    const sks_rotation rotation(attention, c);
    float scale = attention.scale * SKS_LOG2_E;
#pragma unroll
    for (int q = 0; q < queries; q++) {
      streamed.put(q, c, input.query(rotation, n, q, 0) * scale);
      if (first < sinks) cached.put(q, c, input.query(rotation, n, q, 1) * scale);
    }
    float key = input.turned(rotation, n, input.key[n], input.other_key[n], 0);
    // Warps whole, for the scales of runs.
    if (!newest || c >= (head_dim + SKS_WARP - 1) / SKS_WARP * SKS_WARP) continue;
    bool store = subgroup == 0;
    sks_take_newest<kv>(job.fused, store, key, c, valid, head_dim, head.keys + newest_at, new_key);
    sks_take_newest<kv>(job.fused, store, input.value[n], c, valid, head_dim,
                        head.values + newest_at, new_value);
    __syncwarp();
    float rounded = valid ? sks_load_channel<kv>(new_key, head_dim, c) : 0.0f;
#pragma unroll
    for (int q = 0; q < queries; q++)
      its_scores[q] = fmaf(streamed.get(q, c), rounded, its_scores[q]);
  }
  if (newest)
#pragma unroll
    for (int q = 0; q < queries; q++) {
      float score = sks_warp_sum(its_scores[q]);
      if (threadIdx.x % SKS_WARP == 0) new_scores[q][warp] = score;
    }
  __syncthreads();

  running r;
  r.clear();
  if (newest && warp == WARPS - 1)
    sks_begin_running(r, head_dim, heads, new_value, [&](int q) {
      float score = 0;
#pragma unroll
      for (int w = 0; w < WARPS; w++) score += new_scores[q][w];
      return score;
    });
  float slopes[running::TILES];
  sks_load_slopes<running>(job, first_head, heads, slopes);
  for (int32_t at = first + warp * RUN; at < end; at += WARPS * RUN) {
    wait_for_older_run();
    float scores[layout::SIXTEENS][running::TILES][2];
    sks_weights<layout::SIXTEENS, running::TILES> weights;
    // All keys meet the stream's queries, but sinks the cache's. In a loop: the code stays small.
#pragma unroll 1
    for (int stream = at + RUN <= sinks ? 0 : 1, last = at < sinks ? 0 : 1; stream >= last;
         stream--) {
      sks_query_columns<kv, product> columns = streamed;
      if (stream == 0) columns.rows = cached.rows;
      sks_score_keys<running>(s, keys_run.memory, at, sinks, stream == 1, columns, scores);
    }
    sks_place_keys<running>(s, at, end, keys, slopes, scores);
    __syncwarp();
    keys_run.start(slots, at + WARPS * RUN);

    sks_weigh(scores, r, weights);
    wait_for_older_run();
    sks_add_values<product>(s, values_run.memory, weights, r);
    __syncwarp();
    values_run.start(slots, at + WARPS * RUN);
  }

  using posts = sks_attend_posts<MOST_PARTS, running>;
  static_assert(static_cast<int>(posts::WARPS) == static_cast<int>(WARPS), "");
  const posts sent(
      job.parts_memory + (local_row * gridDim.y + blockIdx.y) * posts::bytes(job.most_parts),
      parts);
  sent.send(r, heads, part * WARPS + warp);
  float *out = job.in.out + (row * attention.heads + first_head) * head_dim;
  sent.merge(job, first_head, heads, part, [&](int q, int c, float x) {
    out[q * head_dim + c] = x;
    if (job.in.rounded.rows)
      sks_leave_number(job.in.rounded, row, attention.heads * head_dim,
                       (first_head + q) * head_dim + c, x);
  });
}

struct few_rows {
  template <typename kv, typename product, int queries, int most_steps>
  static cudaError_t launch(sks_attend_job job, cudaStream_t stream, int64_t rows, bool overlap) {
    using layout = run_layout<kv, most_steps>;
    job.subgroups = (job.group + queries - 1) / queries;
    sks_card card = {};
    cudaError_t error = sks_card_of(&card);
    if (error != cudaSuccess) return error;
    // All blocks of a row must find a processor at once.
    if (job.most_parts > card.processors) job.most_parts = card.processors;
    dim3 grid(static_cast<unsigned>(job.most_parts),
              static_cast<unsigned>(job.attention.kv_heads * job.subgroups),
              static_cast<unsigned>(rows));
    int64_t bytes = WARPS * 2 * layout::BYTES + 2 * 2 * queries * layout::query_stride * 2;
    if (card.is_large() && bytes < LEAST_BYTES) bytes = LEAST_BYTES;
    return sks_launch(attend<kv, product, queries, most_steps>, grid, THREADS,
                      static_cast<size_t>(bytes), stream, overlap, job);
  }
};

// Bytes of what a row's blocks send.
struct few_rows_bytes {
  template <typename kv, typename product, int queries, int most_steps>
  static cudaError_t launch(sks_attend_job job, int64_t parts, int64_t *bytes) {
    int64_t blocks = job.attention.kv_heads * ((job.group + queries - 1) / queries);
    *bytes =
        blocks * sks_attend_posts<MOST_PARTS, sks_running<kv, queries, most_steps>>::bytes(parts);
    return cudaSuccess;
  }
};

}  // namespace

int64_t sks_attend_few_parts(const sks_cuda_attention *attention, int64_t rows, int64_t keys) {
  int64_t blocks = sks_attend_blocks(*attention);
  int64_t most = blocks * MOST_PARTS <= MOST_BLOCKS ? MOST_PARTS : MOST_BLOCKS / blocks;
  return parts_of(static_cast<int32_t>(rows), keys, most);
}

int64_t sks_attend_few_bytes(const sks_cuda_attention *attention, int64_t rows, int64_t parts) {
  int64_t bytes = 0;
  sks_attend_job job = {};
  job.attention = *attention;
  job.group = attention->heads / attention->kv_heads;
  sks_launch_form<few_rows_bytes>(job, parts, &bytes);
  return rows * bytes;
}

cudaError_t sks_attend_few_launch(cudaStream_t stream, const sks_attend_job &job, int64_t rows,
                                  bool overlap) {
  return sks_launch_form<few_rows>(job, stream, rows, overlap);
}

const void *sks_cuda_attend_few_kernel() {
  return reinterpret_cast<const void *>(attend<sks_kv_f16, sks_product_f16, 1, 8>);
}
