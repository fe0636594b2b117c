// Attention of many rows: as many blocks as the processors hold take the heads of the rows, one
// after the other, and everything that they need of the next head is on its way while they work on
// one: its keys and values into the ring, its token and its queries into registers. Memory does not
// serve all processors alike: who is done takes the next head.
#include <cstddef>

#include "cuda/kernels/device/attend_form.cuh"
#include "cuda/kernels/device/attend_input.cuh"
#include "cuda/kernels/device/attend_ring.cuh"
#include "cuda/kernels/device/round.cuh"

namespace {

enum { WARPS = 4, THREADS = WARPS * SKS_WARP, MOST_STAGES = 8 };

// Items of a block whose numbers are known before it takes one that nobody else has taken: the one
// that it works on, the one whose rows come, and the one whose token comes.
enum { KNOWN = 3 };

// Blocks that registers let a processor hold.
template <typename kv, int queries, int most_steps>
constexpr int resident() {
  if (most_steps > 8) return 2;
  return kv::SCALED && queries <= 4 ? 4 : 3;
}

// Where things lie in shared memory; the warps' rings come first.
template <typename kv>
struct layout {
  sks_sixteens<kv> s;
  int stages, columns, found, newest, bytes;
  __host__ __device__ layout(int head_dim, int queries, int ring_stages)
      : s(head_dim), stages(ring_stages) {
    columns = WARPS * stages * stage_bytes();
    found = columns + 2 * 2 * queries * s.query_stride * 2;
    newest = found + WARPS * queries * (head_dim * 4 + 8);
    bytes = newest + 2 * s.pitch;
  }
  __host__ __device__ int stage_bytes() const { return 2 * s.bytes(); }
};

// A head of a row, and the queries of its group that a block takes.
struct item {
  int64_t row;
  int kv_head, first_query;
  __device__ item(const sks_attend_job &job, int32_t i, int queries) {
    int of_row = job.attention.kv_heads * job.subgroups, at = i % of_row;
    row = job.first_row + i / of_row;
    kv_head = at / job.subgroups;
    first_query = at % job.subgroups * queries;
  }
};

// A token on its way: eight bytes of it in each lane of a warp.
struct coming_token {
  int64_t mine;
  __device__ void load(const sks_cuda_token &token) {
    int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
    const int64_t *words = reinterpret_cast<const int64_t *>(&token);
    if (lane < static_cast<int>(sizeof(token) / sizeof(mine))) mine = words[lane];
  }
  __device__ int64_t word(size_t offset) const {
    return __shfl_sync(~0u, mine, static_cast<int>(offset / sizeof(mine)));
  }
  // All but the view.
  __device__ sks_cuda_token get() const {
    sks_cuda_token token = {};
    token.slot = word(offsetof(sks_cuda_token, slot));
    token.keys = word(offsetof(sks_cuda_token, keys));
#pragma unroll
    for (int i = 0; i < SKS_SPANS; i++) {
      size_t span = offsetof(sks_cuda_token, spans) + i * sizeof(sks_span);
      token.spans[i].slot = word(span + offsetof(sks_span, slot));
      token.spans[i].count = word(span + offsetof(sks_span, count));
    }
    token.base = reinterpret_cast<char *>(word(offsetof(sks_cuda_token, base)));
    token.layer_bytes = word(offsetof(sks_cuda_token, layer_bytes));
    token.slots = word(offsetof(sks_cuda_token, slots));
    return token;
  }
};

template <typename kv>
__device__ sks_kv_head head_of(const sks_attend_job &job, const sks_cuda_token &token,
                               int kv_head) {
  return sks_kv_head_of(kv::TYPE, job.attention.head_dim, token.base, token.layer_bytes,
                        token.slots, job.layer, kv_head);
}

// Numbers of a block's items, in shared memory. `items` and above: there are no more.
struct item_queue {
  int32_t numbers[KNOWN + 1];
  __device__ int32_t of(int32_t turn) const { return numbers[turn % (KNOWN + 1)]; }
  __device__ void put(int32_t turn, int32_t number) { numbers[turn % (KNOWN + 1)] = number; }
};

struct item_source {
  int32_t items;
  uint32_t takings;  // of a launch in all, after which *taken is zero again
  uint32_t *taken;

  __host__ item_source(int32_t count, int32_t blocks, int32_t *ticket)
      : items(count), taken(reinterpret_cast<uint32_t *>(ticket)) {
    // Each item behind the known ones; and every block that had all of those takes one in vain.
    int32_t all = count - (KNOWN - 1) * blocks;
    takings = static_cast<uint32_t>(all > 0 ? all : 0);
  }
  // By one thread: the number behind the newest that is known.
  __device__ int32_t take(int32_t newest) const {
    if (newest >= items) return newest;
    return KNOWN * static_cast<int32_t>(gridDim.x) +
           static_cast<int32_t>(atomicInc(taken, takings - 1));
  }
};

// A warp's place in the keys that its block will go through, a ring ahead of the work.
template <typename kv, int queries>
struct copy_cursor {
  const item_queue &queue;
  int32_t items, turn, key, stage, free;
  sks_stored_rows from;
  coming_token following;

  __device__ copy_cursor(const sks_attend_job &job, const item_queue &numbers, int32_t item_count,
                         int32_t stages)
      : queue(numbers), items(item_count), turn(0), stage(0), free(stages) {
    following.load(job.step.tokens[item(job, queue.of(0), queries).row]);
    enter(job);
  }
  __device__ void enter(const sks_attend_job &job) {
    const sks_cuda_token token = following.get();
    const sks_kv_head head = head_of<kv>(job, token, item(job, queue.of(turn), queries).kv_head);
    from = {head.keys, head.values, sks_key_slots(token),
            token.slot < 0 ? 0 : static_cast<int32_t>(token.keys) - 1};
    key = static_cast<int>(threadIdx.x) / SKS_WARP * SKS_SIXTEEN;
    int32_t next = queue.of(turn + 1);
    if (next < items) following.load(job.step.tokens[item(job, next, queries).row]);
  }
  // Copies into all stages that are free, as far as items are known while the block is at `now`.
  __device__ void start(const sks_attend_job &job, const sks_sixteens<kv> &s, char *ring,
                        int32_t stages, int32_t stage_bytes, int32_t now, sks_arrivals *arrivals) {
    while (free > 0) {
      while (queue.of(turn) < items && key >= from.end) {
        if (turn > now) return;
        turn++;
        if (queue.of(turn) < items) enter(job);
      }
      if (queue.of(turn) < items)
        sks_start_sixteen(s, from, key, ring + stage * stage_bytes, arrivals + stage);
      key += WARPS * SKS_SIXTEEN;
#if __CUDA_ARCH__ < 900
      sks_copy_commit();
#endif
      if (++stage == stages) stage = 0;
      free--;
    }
  }
};

// By a warp: a query times a row of keys. So the newest one weighs as it will from the cache.
template <typename kv, typename product>
__device__ float score_of(const sks_query_columns<kv, product> &columns, int q, const char *key) {
  float score = 0;
  for (int c = static_cast<int>(threadIdx.x) % SKS_WARP; c < columns.head_dim; c += SKS_WARP)
    score = fmaf(columns.get(q, c), sks_load_channel<kv>(key, columns.head_dim, c), score);
  return sks_warp_sum(score);
}

// The warp's results: of query q its largest score and sum, and the weighted values [head_dim].
template <typename running>
__device__ void put_running(const running &r, int head_dim, int heads, float2 *stats,
                            float *values) {
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
#pragma unroll
  for (int tile = 0; tile < running::TILES; tile++) {
    int q = running::SPREAD ? 0 : tile * 4 + lane % 4;
    float sum = sks_lane_sum(r, tile);
    if (q >= heads) continue;
    if (lane < (running::SPREAD ? 1 : 4)) stats[q] = make_float2(r.largest[tile], sum);
#pragma unroll
    for (int i = 0; i < 2 * running::STEPS; i++) {
      int c = sks_lane_channel<running::SCALED>(lane, i);
      if (c < head_dim && (!running::SPREAD || lane % 4 == i / 4 % 4))
        values[q * head_dim + c] = sks_lane_value(r, tile, i);
    }
  }
}

// By each warp, behind its last keys: its results, one warp's behind the other's, and scores of the
// newest key.
template <typename kv, typename product, int queries, int most_steps>
__device__ void put_warp(const sks_running<kv, queries, most_steps> &r,
                         const sks_query_columns<kv, product> &streamed, const char *new_key,
                         int heads, float *new_scores, float2 *stats, float *values) {
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
  int warp = static_cast<int>(threadIdx.x) / SKS_WARP, head_dim = streamed.head_dim;
  for (int q = warp; q < heads; q += WARPS) {
    float score = score_of(streamed, q, new_key);
    if (lane == 0) new_scores[q] = score;
  }
  put_running(r, head_dim, heads, stats + warp * queries, values + warp * queries * head_dim);
}

// What a block found: the largest score, and relative to it the weights' sum and a weighted value.
struct softmax_part {
  float largest, sum, value;
};

// Of query q, channel c: the warps' results, as put_warp left them, and the newest key, which is
// not among theirs.
template <int queries>
__device__ softmax_part gather_warps(const float2 *stats, const float *values, int head_dim, int q,
                                     int c, float new_score, float new_value) {
  float largest = new_score;
#pragma unroll
  for (int w = 0; w < WARPS; w++) largest = fmaxf(largest, stats[w * queries + q].x);
  float base = largest == -INFINITY ? 0.0f : largest;
  float sum = sks_exp2(new_score - base), value = sum * new_value;
#pragma unroll
  for (int w = 0; w < WARPS; w++) {
    float2 its = stats[w * queries + q];
    float keep = its.x == -INFINITY ? 0.0f : sks_exp2(its.x - base);
    // A sum that is no number shows, whatever it is weighed with.
    sum += keep == 0 && its.y == its.y ? 0.0f : its.y * keep;
    value += values[(w * queries + q) * head_dim + c] * keep;
  }
  return {largest, sum, value};
}

template <typename kv, typename product, int queries, int most_steps>
__global__ __launch_bounds__(THREADS,
                             (resident<kv, queries, most_steps>())) void attend(sks_attend_job job,
                                                                                item_source source,
                                                                                int32_t stages) {
  using running = sks_running<kv, queries, most_steps>;
  using coming = sks_attend_input<queries, most_steps, THREADS>;
  extern __shared__ __align__(128) char shared[];
  __shared__ sks_arrivals arrivals[WARPS][MOST_STAGES];
  __shared__ float new_scores[queries];
  __shared__ item_queue queue;
  const int32_t items = source.items;
  const sks_cuda_attention &attention = job.attention;
  const int head_dim = attention.head_dim;
  const layout<kv> at_shared(head_dim, queries, stages);
  const sks_sixteens<kv> &s = at_shared.s;
  int warp = static_cast<int>(threadIdx.x) / SKS_WARP;
  char *ring = shared + warp * stages * at_shared.stage_bytes();
  const sks_query_columns<kv, product> cached(s, shared + at_shared.columns);
  const sks_query_columns<kv, product> streamed(s, cached.end(queries));
  float2 *found_stats = reinterpret_cast<float2 *>(shared + at_shared.found);
  float *found = reinterpret_cast<float *>(found_stats + WARPS * queries);
  char *new_key = shared + at_shared.newest, *new_value = new_key + s.pitch;

  sks_let_next_start();
  // Tokens are older than the launch before this one; rows that were stored by it are not.
  if (!job.fused) sks_wait_for_previous();
#if __CUDA_ARCH__ >= 900
  if (static_cast<int>(threadIdx.x) % SKS_WARP == 0) {
    for (int i = 0; i < stages; i++) sks_arrivals_init(&arrivals[warp][i]);
    sks_arrivals_ready();
  }
#endif
  sks_clear_behind(s, ring, 2 * stages);
  if (threadIdx.x < KNOWN)
    queue.put(static_cast<int32_t>(threadIdx.x),
              static_cast<int32_t>(blockIdx.x + threadIdx.x * gridDim.x));
  __syncthreads();
  copy_cursor<kv, queries> cursor(job, queue, items, stages);
  auto start = [&](int32_t turn) {
    cursor.start(job, s, ring, stages, at_shared.stage_bytes(), turn, arrivals[warp]);
  };
  start(0);
  if (job.fused) sks_wait_for_previous();

  coming input;
  const auto load_input = [&](const item &it) {
    input.begin(job, it.row, it.kv_head, it.first_query);
    input.load(job, job.fused);
  };
  load_input(item(job, queue.of(0), queries));
  coming_token following;
  following.load(job.step.tokens[item(job, queue.of(0), queries).row]);
  int stage = 0;
  uint32_t parity = 0;
  for (int32_t turn = 0; queue.of(turn) < items; turn++) {
    const item it(job, queue.of(turn), queries);
    const int32_t next = queue.of(turn + 1);
    int32_t newest = 0;
    if (threadIdx.x == 0) newest = source.take(queue.of(turn + KNOWN - 1));
    start(turn);
    int first_head = it.kv_head * job.group + it.first_query;
    int heads = job.group - it.first_query < queries ? job.group - it.first_query : queries;
    const sks_cuda_token token = following.get();
    if (next < items) following.load(job.step.tokens[item(job, next, queries).row]);
    int32_t keys = token.slot < 0 ? 0 : static_cast<int32_t>(token.keys), end = keys - 1;
    int32_t sinks = static_cast<int32_t>(token.spans[0].count);
    const sks_kv_head head = head_of<kv>(job, token, it.kv_head);

    // Queries, rotated at the token's position in the stream and in the cache, and scaled so that
    // weights are powers of two; and the newest row.
#pragma unroll
    for (int n = 0; n < coming::CHANNELS; n++) {
      int c = static_cast<int>(threadIdx.x) + n * THREADS;
      bool valid = c < head_dim;
      const sks_rotation rotation(attention, c);
      float scale = attention.scale * SKS_LOG2_E;
#pragma unroll
      for (int q = 0; q < queries; q++) {
        if (c >= most_steps * 16) continue;
        streamed.put(q, c, input.query(rotation, n, q, 0) * scale);
        if (sinks > 0) cached.put(q, c, input.query(rotation, n, q, 1) * scale);
      }
      // Warps whole, for the scales of runs.
      if (keys == 0 || c >= (head_dim + SKS_WARP - 1) / SKS_WARP * SKS_WARP) continue;
      float key = input.turned(rotation, n, input.key[n], input.other_key[n], 0);
      int64_t at = token.slot * head.pitch;
      bool store = it.first_query == 0;
      sks_take_newest<kv>(job.fused, store, key, c, valid, head_dim, head.keys + at, new_key);
      sks_take_newest<kv>(job.fused, store, input.value[n], c, valid, head_dim, head.values + at,
                          new_value);
    }
    __syncthreads();
    if (next < items) load_input(item(job, next, queries));
    if (keys > 0) {
      running r;
      r.clear();
      float slopes[running::TILES];
      sks_load_slopes<running>(job, first_head, heads, slopes);
      for (int32_t at = warp * SKS_SIXTEEN; at < end; at += WARPS * SKS_SIXTEEN) {
        char *rows = ring + stage * at_shared.stage_bytes();
#if __CUDA_ARCH__ >= 900
        sks_arrivals_wait(&arrivals[warp][stage], parity);
#else
        if (cursor.free > 0 || stages == 1)
          sks_copy_wait<0>();
        else
          sks_copy_wait<1>();
#endif
        __syncwarp();
        float scores[1][running::TILES][2];
        sks_weights<1, running::TILES> weights;
        // In line, without a loop over the two ways, which would take more registers than there
        // are.
        if (at + SKS_SIXTEEN > sinks)
          sks_score_keys<running>(s, rows, at, sinks, true, streamed, scores);
        if (at < sinks) sks_score_keys<running>(s, rows, at, sinks, false, cached, scores);
        sks_place_keys<running>(s, at, end, keys, slopes, scores);
        sks_weigh(scores, r, weights);
        sks_add_values<product>(s, rows + s.bytes(), weights, r);
        __syncwarp();
        cursor.free++;
        start(turn);
        if (++stage == stages) {
          stage = 0;
          parity ^= 1;
        }
      }

      put_warp(r, streamed, new_key, heads, new_scores, found_stats, found);
      __syncthreads();
      for (int k = static_cast<int>(threadIdx.x); k < heads * head_dim; k += THREADS) {
        int q = k / head_dim, c = k % head_dim;
        const softmax_part whole =
            gather_warps<queries>(found_stats, found, head_dim, q, c, new_scores[q],
                                  sks_load_channel<kv>(new_value, head_dim, c));
        const float value =
            whole.value * sks_softmax_factor(job, first_head + q, whole.largest, whole.sum);
        const int channel = first_head * head_dim + k;
        job.in.out[it.row * attention.heads * head_dim + channel] = value;
        if (job.in.rounded.rows) sks_put_rounded(job.in.rounded, it.row, channel, value);
      }
    }
    if (threadIdx.x == 0) queue.put(turn + KNOWN, newest);
    // The next item's newest row and results take the place of these.
    __syncthreads();
  }
}

// Blocks of a processor, and the stages of their rings: what all blocks hold is about the same. The
// most blocks, unless fewer share the items so much more evenly.
template <typename kv>
int blocks_of(const sks_card &card, int32_t items, int head_dim, int queries, int most,
              int *stages) {
  int best = 1;
  int64_t least = 0;
  for (int blocks = most; blocks >= 1; blocks--) {
    const int kept_back = 512;  // what a kernel has of shared memory by itself
    const layout<kv> none(head_dim, queries, 0);
    int room = card.shared_bytes / blocks - card.block_bytes - kept_back - none.bytes;
    int fit = room / (WARPS * none.stage_bytes());
    if (fit < 2 && blocks > 1) continue;
    int64_t at_once = static_cast<int64_t>(card.processors) * blocks;
    int64_t work = (items + at_once - 1) / at_once * at_once;
    if (least > 0 && work * 5 > least * 4) continue;
    best = blocks;
    least = work;
    *stages = fit < 1 ? 1 : fit > MOST_STAGES ? MOST_STAGES : fit;
  }
  return best;
}

struct many_rows {
  template <typename kv, typename product, int queries, int most_steps>
  static cudaError_t launch(sks_attend_job job, cudaStream_t stream, int64_t rows, bool overlap) {
    sks_card card = {};
    cudaError_t error = sks_card_of(&card);
    if (error != cudaSuccess) return error;
    job.subgroups = (job.group + queries - 1) / queries;
    int32_t items = static_cast<int32_t>(rows * job.attention.kv_heads * job.subgroups);
    int32_t stages = 1;
    int32_t blocks = card.processors * blocks_of<kv>(card, items, job.attention.head_dim, queries,
                                                     resident<kv, queries, most_steps>(), &stages);
    if (blocks > items) blocks = items;
    const layout<kv> at_shared(job.attention.head_dim, queries, stages);
    return sks_launch(attend<kv, product, queries, most_steps>, dim3(static_cast<unsigned>(blocks)),
                      THREADS, static_cast<size_t>(at_shared.bytes), stream, overlap, job,
                      item_source(items, blocks, job.tickets), stages);
  }
};

}  // namespace

cudaError_t sks_attend_many_launch(cudaStream_t stream, const sks_attend_job &job, int64_t rows,
                                   bool overlap) {
  return sks_launch_form<many_rows>(job, stream, rows, overlap);
}
