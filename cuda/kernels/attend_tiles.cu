#include "cuda/kernels/attend.h"
#include "cuda/kernels/device/kv.cuh"
#include "cuda/kernels/device/launch.cuh"
#include "cuda/kernels/device/matrix_product.cuh"
#include "cuda/kernels/device/rotate.cuh"
#include "cuda/kernels/device/stage.cuh"

// One head's queries of a tile of rows meet the keys they see between them, 64 at a time, with a
// running softmax (Dao, FlashAttention-2, arXiv 2307.08691). A warp has 16 rows. Sink tokens come
// first, with the queries rotated at their positions in the cache; then the window, with those
// rotated at the positions in the stream.
namespace {

enum {
  ROWS = SKS_CUDA_TILE_ROWS,
  WARPS = ROWS / 16,
  THREADS = WARPS * SKS_WARP,
  STAGES = 2,
  PAD = 8  // elements behind a row in shared memory, so that eight rows meet no bank twice
};

struct tile_args {
  sks_cuda_attention attention;
  sks_cuda_step step;
  int32_t layer;
  sks_cuda_attend_args in;
  const sks_cuda_tile *tiles;
};

// Keys taken at once: fewer where rows of sums take most registers.
__host__ __device__ constexpr int keys_at_once(int dim) { return dim > 128 ? 32 : 64; }

// Blocks that share a processor: as many as registers allow.
constexpr int resident(int dim) { return dim <= 64 ? 3 : dim <= 128 ? 2 : 1; }

// What is kept of queries: in registers, or read from shared memory again each time.
__host__ __device__ constexpr bool keeps_queries(int dim) { return dim <= 128; }

template <int dim>
__host__ __device__ constexpr size_t shared_bytes() {
  return static_cast<size_t>(ROWS + 2 * STAGES * keys_at_once(dim)) * (dim + PAD) * 2;
}

__device__ int32_t clamped(int64_t x) {
  const int64_t bound = 1 << 30;
  return static_cast<int32_t>(x < -bound ? -bound : x > bound ? bound : x);
}

// A run of consecutive keys: at most keys_at_once of one span. Positions of sink tokens count from
// the stream's start, those of the window from the tile's first token.
struct key_run {
  int32_t slot, position, count;
};

// The runs of a tile's spans, numbered: those of the sink tokens first.
template <int keys>
struct key_runs {
  int32_t slots[SKS_SPANS], positions[SKS_SPANS], counts[SKS_SPANS], ends[SKS_SPANS];
  __device__ key_runs(const sks_span *spans, int64_t origin) {
    int32_t end = 0;
#pragma unroll
    for (int i = 0; i < SKS_SPANS; i++) {
      slots[i] = static_cast<int32_t>(spans[i].slot);
      positions[i] = clamped(spans[i].position - (i > 0 ? origin : 0));
      counts[i] = static_cast<int32_t>(spans[i].count);
      ends[i] = end += (counts[i] + keys - 1) / keys;
    }
  }
  __device__ static int32_t select(int32_t i, const int32_t (&ends)[SKS_SPANS],
                                   const int32_t (&of)[SKS_SPANS]) {
    return i < ends[0] ? of[0] : i < ends[1] ? of[1] : of[2];
  }
  __device__ key_run run(int32_t i) const {
    int32_t at = (i - (i < ends[0] ? 0 : i < ends[1] ? ends[0] : ends[1])) * keys;
    int32_t left = select(i, ends, counts) - at;
    return {select(i, ends, slots) + at, select(i, ends, positions) + at,
            left < keys ? left : keys};
  }
};

// Rows of a run of Q8_0 into shared memory as f16, zero behind the last one.
template <int dim>
__device__ void widen_rows(const char *rows, int pitch, int head_dim, const key_run &run,
                           uint16_t *shared) {
  constexpr int keys = keys_at_once(dim), pieces = dim / 8;
  for (int i = static_cast<int>(threadIdx.x); i < keys * pieces; i += THREADS) {
    int key = i / pieces, c = i % pieces * 8;
    uint2 bytes = make_uint2(0, 0);
    float scale = 0;
    if (key < run.count && c < head_dim) {
      const char *row = rows + static_cast<int64_t>(run.slot + key) * pitch;
      bytes = *reinterpret_cast<const uint2 *>(row + c);
      scale = sks_scale_of(row, head_dim, c);
    }
    uint32_t halves[4];
#pragma unroll
    for (int pair = 0; pair < 4; pair++) {
      uint32_t word = pair < 2 ? bytes.x : bytes.y;
      halves[pair] = sks_product_f16::narrow_2(scale * sks_signed_byte(word, pair % 2 * 2),
                                               scale * sks_signed_byte(word, pair % 2 * 2 + 1));
    }
    *reinterpret_cast<uint4 *>(shared + key * (dim + PAD) + c) =
        make_uint4(halves[0], halves[1], halves[2], halves[3]);
  }
}

// Starts the copy of a run's keys and values of 16 bits: on Hopper a row a thread.
template <int dim>
__device__ void start_rows(const sks_kv_head &rows, const key_run &run, uint16_t *keys,
                           uint16_t *values, sks_arrivals *arrivals) {
#if __CUDA_ARCH__ >= 900
  constexpr int most = keys_at_once(dim);
  static_assert(2 * most <= THREADS, "a row a thread");
  int i = static_cast<int>(threadIdx.x), row = i < most ? i : i - most;
  if (i == 0) sks_arrivals_expect(arrivals, static_cast<uint32_t>(2 * run.count * rows.pitch));
  if (row >= run.count) return;
  const char *from =
      (i < most ? rows.keys : rows.values) + static_cast<int64_t>(run.slot + row) * rows.pitch;
  sks_bulk_copy((i < most ? keys : values) + row * (dim + PAD), from,
                static_cast<uint32_t>(rows.pitch), arrivals);
#else
  int pieces = rows.pitch / 16;
  for (int i = static_cast<int>(threadIdx.x); i < run.count * pieces; i += THREADS) {
    int row = i / pieces, piece = i % pieces;
    int64_t from = static_cast<int64_t>(run.slot + row) * rows.pitch + piece * 16;
    sks_copy_16(keys + row * (dim + PAD) + piece * 8, rows.keys + from);
    sks_copy_16(values + row * (dim + PAD) + piece * 8, rows.values + from);
  }
#endif
}

// A warp takes every so many rows; a lane has the same channels in all of them.
template <typename product, int dim>
__device__ void load_queries(const tile_args &args, const sks_cuda_tile &tile, int head,
                             bool at_stream, uint16_t *shared) {
  const sks_cuda_attention &attention = args.attention;
  int group = attention.heads / attention.kv_heads, half = attention.rotary_half;
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
  const float *queries = args.in.queries + head / group * args.in.group_stride +
                         static_cast<int64_t>(head % group) * attention.head_dim;
  float scale = attention.scale * SKS_LOG2_E;
#pragma unroll
  for (int first = 0; first < dim; first += SKS_WARP) {
    int c = first + lane;
    bool valid = c < attention.head_dim;
    const sks_rotation rotation(attention, valid ? c : 0);
    const float *x = queries + tile.row * args.in.row_stride;
    const float *phases =
        args.step.phases + (static_cast<int64_t>(tile.row) * 4 + (at_stream ? 0 : 2)) * half;
#pragma unroll 8
    for (int r = static_cast<int>(threadIdx.x) / SKS_WARP; r < ROWS; r += WARPS) {
      // Rows that are not there are the last one: nobody reads what comes of them.
      int row = r < tile.rows ? r : tile.rows - 1;
      float rotated = rotation.of(x + row * args.in.row_stride, phases + row * 4 * half, half);
      shared[r * (dim + PAD) + c] = product::narrow(valid ? rotated * scale : 0.0f);
    }
  }
}

// What one of a thread's two rows sees, relative to the tile's first token.
struct row_view {
  int32_t first, position;  // of the window: none where first is above
  int32_t sinks;
  float from_sinks;  // distance in the cache from sink token 0
};

__device__ row_view view_of(const sks_view &view, int64_t origin) {
  return {clamped(view.first - origin), clamped(view.position - origin), clamped(view.sinks),
          static_cast<float>(view.query)};
}

// The spans of a tile's rows, from the first of them to the last.
__device__ void spans_of(const sks_cuda_cache &cache, const sks_view &first, const sks_view &last,
                         sks_span *spans) {
  // The ring, as far as the spans of these rows go: they lie in one run or two from the first on.
  sks_spans_between(&cache.ring, first, last, spans);
  // While nothing is evicted, sink tokens are rows like others: rotations are the same.
  if (last.query == last.position && spans[1].count > 0 && spans[1].slot == spans[0].count) {
    spans[1].slot = spans[1].position = 0;
    spans[1].count += spans[0].count;
    spans[0].count = 0;
  }
}

// scores[row, key] of a warp's queries and a run's keys.
template <typename product, int dim, int keys, int kept>
__device__ __forceinline__ void score(const uint16_t *query_at, uint32_t (&query)[kept][4],
                                      const uint16_t *key_at, float (&scores)[keys / 8][4]) {
  constexpr int STRIDE = dim + PAD;
#pragma unroll
  for (int k = 0; k < dim / 16; k++) {
    if constexpr (!keeps_queries(dim)) sks_load_matrices(query[0], query_at + 16 * k);
    const uint32_t(&a)[4] = query[keeps_queries(dim) ? k : 0];
    uint32_t b[keys / 16][4];
#pragma unroll
    for (int n = 0; n < keys / 16; n++) sks_load_matrices(b[n], key_at + n * 16 * STRIDE + k * 16);
#pragma unroll
    for (int n = 0; n < keys / 16; n++) {
      product::add(scores[2 * n], a, b[n][0], b[n][1]);
      product::add(scores[2 * n + 1], a, b[n][2], b[n][3]);
    }
  }
}

// ALiBi, and -INFINITY for keys that a row does not see.
template <int keys>
__device__ __forceinline__ void bias_and_mask(const key_run &run, bool of_sinks,
                                              const row_view (&views)[2], float slope, int lane,
                                              float (&scores)[keys / 8][4]) {
  // Which keys a row sees, as a range of the run.
  int32_t from = run.position;
  int32_t low[2], high[2];
  bool all = true;
#pragma unroll
  for (int r = 0; r < 2; r++) {
    low[r] = of_sinks ? 0 : views[r].first - from;
    high[r] = of_sinks ? views[r].sinks - from : views[r].position - from + 1;
    if (high[r] > run.count) high[r] = run.count;
    all = all && low[r] <= 0 && high[r] >= keys;
  }
  if (slope != 0.0f) {
#pragma unroll
    for (int n = 0; n < keys / 8; n++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        int key = n * 8 + lane % 4 * 2 + e % 2;
        const row_view &view = views[e / 2];
        float distance = of_sinks ? view.from_sinks - static_cast<float>(run.position + key)
                                  : static_cast<float>(view.position - from - key);
        scores[n][e] -= slope * distance;
      }
  }
  if (!all) {
#pragma unroll
    for (int n = 0; n < keys / 8; n++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        int key = n * 8 + lane % 4 * 2 + e % 2;
        if (key < low[e / 2] || key >= high[e / 2]) scores[n][e] = -INFINITY;
      }
  }
}

// A warp's running softmax: for each of a thread's two rows the largest score and the sum of the
// exponentials measured from it, and the values so weighted.
template <int dim>
struct softmax {
  float out[dim / 8][4] = {}, largest[2] = {-INFINITY, -INFINITY}, total[2] = {};

  // scores become their exponentials.
  template <int keys>
  __device__ __forceinline__ void take(float (&scores)[keys][4]) {
    float keep[2];
#pragma unroll
    for (int r = 0; r < 2; r++) {
      float best = largest[r];
#pragma unroll
      for (int n = 0; n < keys; n++)
        best = fmaxf(best, fmaxf(scores[n][2 * r], scores[n][2 * r + 1]));
      best = fmaxf(best, __shfl_xor_sync(~0u, best, 1));
      best = fmaxf(best, __shfl_xor_sync(~0u, best, 2));
      // A row that has seen nothing yet has no largest score to measure from.
      float base = best == -INFINITY ? 0.0f : best;
      keep[r] = sks_exp2(largest[r] - base);
      largest[r] = best;
      float sum = 0;
#pragma unroll
      for (int n = 0; n < keys; n++)
#pragma unroll
        for (int e = 2 * r; e < 2 * r + 2; e++) {
          scores[n][e] = sks_exp2(scores[n][e] - base);
          sum += scores[n][e];
        }
      total[r] = total[r] * keep[r] + sum;
    }
    // Most runs leave the largest scores as they are.
    if (!__any_sync(~0u, keep[0] != 1.0f || keep[1] != 1.0f)) return;
#pragma unroll
    for (int n = 0; n < dim / 8; n++) {
      out[n][0] *= keep[0];
      out[n][1] *= keep[0];
      out[n][2] *= keep[1];
      out[n][3] *= keep[1];
    }
  }

  template <typename product, int keys>
  __device__ __forceinline__ void add_values(const float (&weights)[keys][4],
                                             const uint16_t *value_at) {
    constexpr int STRIDE = dim + PAD;
#pragma unroll
    for (int k = 0; k < keys / 2; k++) {
      const uint32_t a[4] = {product::narrow_2(weights[2 * k][0], weights[2 * k][1]),
                             product::narrow_2(weights[2 * k][2], weights[2 * k][3]),
                             product::narrow_2(weights[2 * k + 1][0], weights[2 * k + 1][1]),
                             product::narrow_2(weights[2 * k + 1][2], weights[2 * k + 1][3])};
      // Four loads before the first product that needs one.
#pragma unroll
      for (int half = 0; half < dim / 16; half += 4) {
        uint32_t b[4][4];
#pragma unroll
        for (int n = 0; n < 4 && half + n < dim / 16; n++)
          sks_load_transposed(b[n], value_at + k * 16 * STRIDE + (half + n) * 16);
#pragma unroll
        for (int n = 0; n < 4 && half + n < dim / 16; n++) {
          product::add(out[2 * (half + n)], a, b[n][0], b[n][1]);
          product::add(out[2 * (half + n) + 1], a, b[n][2], b[n][3]);
        }
      }
    }
  }

  // Divides by the sums, a sink logit's among them, and writes the rows there are.
  __device__ __forceinline__ void write(const tile_args &args, const sks_cuda_tile &tile, int head,
                                        int warp, int lane) const {
    const sks_cuda_attention &attention = args.attention;
#pragma unroll
    for (int r = 0; r < 2; r++) {
      float sum = total[r];
      sum += __shfl_xor_sync(~0u, sum, 1);
      sum += __shfl_xor_sync(~0u, sum, 2);
      float factor = 1.0f;
      if (args.in.sink_logits) {
        float logit = args.in.sink_logits[head] * SKS_LOG2_E, best = fmaxf(largest[r], logit);
        factor = sks_exp2(largest[r] - best);
        sum = sum * factor + sks_exp2(logit - best);
      }
      factor /= sum;
      int row = warp * 16 + lane / 4 + 8 * r;
      if (row >= tile.rows) continue;
      float *to = args.in.out + (static_cast<int64_t>(tile.row + row) * attention.heads + head) *
                                    attention.head_dim;
#pragma unroll
      for (int n = 0; n < dim / 8; n++) {
        int c = n * 8 + lane % 4 * 2;
        if (c < attention.head_dim)
          *reinterpret_cast<float2 *>(to + c) =
              make_float2(out[n][2 * r] * factor, out[n][2 * r + 1] * factor);
      }
    }
  }
};

template <typename kv, typename product, int dim>
__global__ __launch_bounds__(THREADS, resident(dim)) void attend(tile_args args) {
  constexpr int KEYS = keys_at_once(dim), STRIDE = dim + PAD;
  extern __shared__ __align__(16) uint16_t shared[];
  uint16_t *query_rows = shared, *key_rows = shared + ROWS * STRIDE;
  uint16_t *value_rows = key_rows + STAGES * KEYS * STRIDE;
  const sks_cuda_attention &attention = args.attention;
  // The longest tiles, those of the newest tokens, first.
  const sks_cuda_tile tile = args.tiles[gridDim.x - 1 - blockIdx.x];
  int head = static_cast<int>(blockIdx.y), group = attention.heads / attention.kv_heads;
  int lane = static_cast<int>(threadIdx.x) % SKS_WARP,
      warp = static_cast<int>(threadIdx.x) / SKS_WARP;

  sks_let_next_start();
  sks_wait_for_previous();
  const sks_cuda_token &token = args.step.tokens[tile.row];
  if (token.slot < 0) return;
  const sks_view first_view = token.view;
  const sks_view last_view = args.step.tokens[tile.row + tile.rows - 1].view;
  int64_t origin = first_view.position;
  __shared__ sks_span spans[SKS_SPANS];
  __shared__ sks_arrivals arrivals[STAGES];
  if (threadIdx.x == 0)
    spans_of(args.step.caches[args.step.rows[tile.row].cache], first_view, last_view, spans);
  const sks_kv_head rows = sks_kv_head_of(kv::TYPE, attention.head_dim, token.base,
                                          token.layer_bytes, token.slots, args.layer, head / group);
  if (threadIdx.x == 0) {
    for (int i = 0; i < STAGES; i++) sks_arrivals_init(&arrivals[i]);
    sks_arrivals_ready();
  }
  // What no copy writes, behind head_dim and behind the last row, must be numbers.
  for (int i = static_cast<int>(threadIdx.x); i < STAGES * KEYS * STRIDE / 4; i += THREADS)
    reinterpret_cast<uint4 *>(key_rows)[i] = make_uint4(0, 0, 0, 0);
  sks_copies_follow();
  __syncthreads();
  const key_runs<KEYS> runs(spans, origin);
  int32_t run_count = runs.ends[2], sink_runs = runs.ends[0];

  auto start = [&](int32_t i) {
    if (i < run_count) {
      key_run run = runs.run(i);
      int at = i % STAGES * KEYS * STRIDE;
      if constexpr (kv::SCALED) {
        widen_rows<dim>(rows.keys, rows.pitch, attention.head_dim, run, key_rows + at);
        widen_rows<dim>(rows.values, rows.pitch, attention.head_dim, run, value_rows + at);
      } else {
        start_rows<dim>(rows, run, key_rows + at, value_rows + at, &arrivals[i % STAGES]);
      }
    }
    sks_copy_commit();
  };
  auto wait = [&](int32_t i) {
#if __CUDA_ARCH__ >= 900
    if (!kv::SCALED)
      sks_arrivals_wait(&arrivals[i % STAGES], i / STAGES & 1);
    else
      __syncthreads();
#else
    sks_copy_wait<1>();
    __syncthreads();
#endif
  };
  start(0);

  row_view views[2];
#pragma unroll
  for (int i = 0; i < 2; i++) {
    int r = warp * 16 + lane / 4 + 8 * i;
    views[i] = view_of(args.step.tokens[tile.row + (r < tile.rows ? r : 0)].view, origin);
    if (sink_runs == 0 && views[i].sinks > 0) views[i].first = clamped(-origin);
  }
  float slope = attention.slopes ? attention.slopes[head] * SKS_LOG2_E : 0.0f;
  bool busy = warp * 16 < tile.rows;

  softmax<dim> sums;
  uint32_t query[keeps_queries(dim) ? dim / 16 : 1][4];
  const uint16_t *query_at = query_rows + (warp * 16 + lane % 16) * STRIDE + lane / 16 * 8;

  for (int32_t i = 0; i < run_count; i++) {
    bool of_sinks = i < sink_runs;
    if (i == 0 || i == sink_runs) {
      __syncthreads();
      load_queries<product, dim>(args, tile, head, !of_sinks, query_rows);
      __syncthreads();
      if constexpr (keeps_queries(dim)) {
#pragma unroll
        for (int k = 0; k < dim / 16; k++) sks_load_matrices(query[k], query_at + 16 * k);
      }
    }
    start(i + 1);
    wait(i);
    if (busy) {
      int stage = i % STAGES * KEYS * STRIDE;
      const uint16_t *key_at =
          key_rows + stage + (lane % 8 + lane / 16 * 8) * STRIDE + lane / 8 % 2 * 8;
      const uint16_t *value_at = value_rows + stage + lane % 16 * STRIDE + lane / 16 * 8;
      float scores[KEYS / 8][4] = {};
      score<product, dim, KEYS>(query_at, query, key_at, scores);
      bias_and_mask<KEYS>(runs.run(i), of_sinks, views, slope, lane, scores);
      sums.take(scores);
      sums.template add_values<product>(scores, value_at);
    }
    __syncthreads();
  }
  sums.write(args, tile, head, warp, lane);
}

template <typename kv, typename product, int dim>
cudaError_t launch(cudaStream_t stream, const tile_args &args, int32_t tiles) {
  dim3 grid(static_cast<unsigned>(tiles), static_cast<unsigned>(args.attention.heads));
  return sks_launch(attend<kv, product, dim>, grid, THREADS, shared_bytes<dim>(), stream, false,
                    args);
}

template <typename kv, typename product>
cudaError_t launch_dim(cudaStream_t stream, const tile_args &args, int32_t tiles) {
  int32_t dim = args.attention.head_dim;
  if (dim <= 64) return launch<kv, product, 64>(stream, args, tiles);
  if (dim <= 96) return launch<kv, product, 96>(stream, args, tiles);
  if (dim <= 128) return launch<kv, product, 128>(stream, args, tiles);
  return launch<kv, product, 256>(stream, args, tiles);
}

}  // namespace

bool sks_cuda_attend_has_tiles(const sks_cuda_attention *attention) {
  return attention->type != SKS_F32;
}

cudaError_t sks_cuda_attend_tiles(cudaStream_t stream, const sks_cuda_attention *attention,
                                  const sks_cuda_step *step, int32_t layer,
                                  const sks_cuda_attend_args *in, const sks_cuda_tile *tiles,
                                  int32_t tile_count) {
  if (tile_count == 0) return cudaSuccess;
  tile_args args = {};
  args.attention = *attention;
  args.step = *step;
  args.layer = layer;
  args.in = *in;
  args.tiles = tiles;
  switch (attention->type) {
    case SKS_F16:
      return launch_dim<sks_kv_f16, sks_product_f16>(stream, args, tile_count);
    case SKS_BF16:
      return launch_dim<sks_kv_bf16, sks_product_bf16>(stream, args, tile_count);
    case SKS_Q8_0:
      return launch_dim<sks_kv_q8_0, sks_product_f16>(stream, args, tile_count);
    default:
      return cudaErrorInvalidValue;
  }
}
