#include "cuda/kernels/device/batch_output.cuh"
#include "cuda/kernels/device/cluster.cuh"
#include "cuda/kernels/device/group_product.cuh"
#include "cuda/kernels/device/launch.cuh"
#include "cuda/kernels/device/reduce.cuh"
#include "cuda/kernels/device/tensor_map.cuh"
#include "cuda/kernels/linear_batch.h"

namespace {

enum {
  MULTIPLIERS = 4 * SKS_WARP,
  THREADS = MULTIPLIERS + 2 * SKS_WARP,  // a warp brings weights, another one the input
  INPUTS = SKS_CUDA_BATCH_ROWS,
  INPUT_STAGES = 4,
  WINDOW_BYTES = 48 << 10,  // of the first weights on their way at once: x waits behind them
  BLOCK_BYTES = 220 << 10   // of shared memory: leaves room for a kernel that prepares
};

// How a kernel cuts a matrix.
template <int of_width, int of_splits>
struct cut {
  enum {
    WIDTH = of_width,             // channels of a tile; with a gate half of them are of `up`
    SPLITS = of_splits,           // blocks of a cluster that share its columns
    BOXES = WIDTH > 128 ? 1 : 2,  // of columns of a chunk: a stage is no small thing
    WEIGHT_BYTES = BOXES * WIDTH * SKS_BOX_ROW_BYTES,
    MINE = WIDTH / SPLITS,  // channels that a block finishes
    PITCH = MINE + 8,       // floats of a row of sums: what a warp writes meets no bank twice
    RECEIVED_BYTES = (SPLITS - 1) * INPUTS * PITCH * 4,
    INPUT_RING_BYTES = INPUT_STAGES * BOXES * INPUTS * SKS_BOX_ROW_BYTES,
    STAGES = (BLOCK_BYTES - SKS_BOX_ALIGNMENT - INPUT_RING_BYTES - RECEIVED_BYTES) / WEIGHT_BYTES,
    WINDOW = 3 * WEIGHT_BYTES <= WINDOW_BYTES ? 3 : 2,
    SHARED_BYTES = SKS_BOX_ALIGNMENT + INPUT_RING_BYTES + STAGES * WEIGHT_BYTES + RECEIVED_BYTES
  };
};

// A ring of stages in shared memory. A stage is `full` when its bytes have come, `empty` when all
// warps that multiply have read it.
template <int stages>
struct ring {
  enum { STAGES = stages };
  char *memory;
  int32_t stage_bytes;
  sks_arrivals *full, *empty;
};

template <typename type>
struct batch_args {
  sks_batch_output<type::TYPE> to;
  int32_t chunks;  // of columns
  int32_t input_box_bytes;
};

struct batch_maps {
  CUtensorMap weights, input;
};

// Where in a ring, on its side that fills it or on that which empties it.
template <int stages>
struct place {
  int32_t stage = 0;
  uint32_t parity = 0;
  __device__ void next() {
    if (++stage < stages) return;
    stage = 0;
    parity ^= 1;
  }
};

// Brings chunks into a ring, by one thread.
template <typename ring, typename bringer>
struct filler {
  ring to;
  bringer bring;
  int32_t chunk, end;
  place<ring::STAGES> at;
  bool again = false;  // stages have been used before

  __device__ void fill(int32_t most) {
#pragma unroll 1
    for (; most > 0 && chunk < end; most--, chunk++) {
      if (again) sks_arrivals_wait(to.empty + at.stage, at.parity ^ 1);
      sks_arrivals_expect(to.full + at.stage, static_cast<uint32_t>(to.stage_bytes));
      bring(to.memory + at.stage * to.stage_bytes, chunk, to.full + at.stage);
      at.next();
      again |= at.stage == 0;
    }
  }
};

// The tile's rows of the weights.
template <typename cut>
struct weight_bringer {
  const CUtensorMap *map;
  int32_t row, up;  // of the matrix; up: 0 without a gate

  __device__ void operator()(char *stage, int32_t chunk, sks_arrivals *full) const {
#pragma unroll
    for (int box = 0; box < cut::BOXES; box++) {
      const int32_t column = (chunk * cut::BOXES + box) * SKS_BOX_COLUMNS;
      char *to = stage + box * cut::WIDTH * SKS_BOX_ROW_BYTES;
      sks_box_copy_once(to, map, row, column, full);
      if (up)
        sks_box_copy_once(to + cut::WIDTH / 2 * SKS_BOX_ROW_BYTES, map, up + row, column, full);
    }
  }
};

template <typename cut>
struct input_bringer {
  const CUtensorMap *map;
  int32_t box_bytes;

  __device__ void operator()(char *stage, int32_t chunk, sks_arrivals *full) const {
#pragma unroll
    for (int box = 0; box < cut::BOXES; box++)
      sks_box_copy(stage + box * box_bytes, map, 0, (chunk * cut::BOXES + box) * SKS_BOX_COLUMNS,
                   full);
  }
};

// By one thread.
template <int count>
__device__ void init_all(sks_arrivals *barriers, uint32_t arrivals) {
#pragma unroll
  for (int i = 0; i < count; i++) sks_arrivals_init(barriers + i, arrivals);
  sks_arrivals_ready();
}

// The sums of all rows over some chunks, at least one. Products of a chunk run while the next one
// is awaited.
template <typename type, typename cut, typename weight_ring, typename input_ring>
__device__ void multiply(const weight_ring &weights, const input_ring &input, int32_t chunks,
                         int32_t box_bytes, float (&sums)[cut::WIDTH / 8][4]) {
  place<weight_ring::STAGES> w;
  place<input_ring::STAGES> x;
  int32_t last_w = 0, last_x = 0;
#pragma unroll 1
  for (int32_t i = 0; i < chunks; i++) {
    sks_arrivals_wait(weights.full + w.stage, w.parity);
    sks_arrivals_wait(input.full + x.stage, x.parity);
    const char *left = input.memory + x.stage * input.stage_bytes;
    const char *right = weights.memory + w.stage * cut::WEIGHT_BYTES;
    sks_group_begin();
#pragma unroll
    for (int box = 0; box < cut::BOXES; box++) {
      const uint64_t a = sks_box_operand(left + box * box_bytes);
      const uint64_t b = sks_box_operand(right + box * cut::WIDTH * SKS_BOX_ROW_BYTES);
#pragma unroll
      for (int step = 0; step < SKS_BOX_COLUMNS / 16; step++)
        sks_group_add<type, cut::WIDTH / 8>(sums, a + step * SKS_OPERAND_STEP,
                                            b + step * SKS_OPERAND_STEP,
                                            i > 0 || box > 0 || step > 0);
    }
    sks_group_end();
    sks_group_wait<1>();
    const bool releases = i > 0 && threadIdx.x % SKS_WARP == 0;
    sks_arrivals_arrive(weights.empty + last_w, releases);
    sks_arrivals_arrive(input.empty + last_x, releases);
    last_w = w.stage;
    last_x = x.stage;
    w.next();
    x.next();
  }
  sks_group_wait<0>();
}

// A thread's sums to where they are finished: the channels of rank 1 behind those of rank 0. Those
// of the other block come through its `received`.
template <typename cut>
__device__ void put_sums(const float (&sums)[cut::WIDTH / 8][4], int32_t rows, int rank,
                         float *mine, float *received, sks_arrivals *arrivals) {
  constexpr int EIGHTS = cut::MINE / 8;
  const int thread = static_cast<int>(threadIdx.x);
  const int row = sks_group_row(thread), at = row * cut::PITCH + sks_group_column(thread);
#pragma unroll
  for (int i = 0; i < EIGHTS; i++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int to = at + half * 8 * cut::PITCH + i * 8;
      float2 kept = make_float2(sums[i][2 * half], sums[i][2 * half + 1]);
      if constexpr (cut::SPLITS == 2) {
        float2 sent = make_float2(sums[i + EIGHTS][2 * half], sums[i + EIGHTS][2 * half + 1]);
        if (rank == 1) {
          const float2 other = kept;
          kept = sent;
          sent = other;
        }
        if (row + half * 8 < rows) sks_cluster_send_two(sent, received + to, arrivals, rank ^ 1);
      }
      *reinterpret_cast<float2 *>(mine + to) = kept;
    }
}

// The block's channels of all rows.
template <typename cut, bool gated, typename output>
__device__ void finish(const output &to, int32_t first_channel, const float *mine,
                       const float *received) {
  enum { CHANNELS = gated ? cut::MINE / 2 : cut::MINE };
#pragma unroll 1
  for (int k = static_cast<int>(threadIdx.x); k < to.rows * CHANNELS; k += THREADS) {
    const int row = k / CHANNELS, channel = k % CHANNELS, at = row * cut::PITCH + channel;
    float z = mine[at];
    if constexpr (cut::SPLITS == 2) z += received[at];
    to.template finish_one<gated>(row, first_channel + channel, z,
                                  gated ? mine[at + CHANNELS] : 0.0f);
  }
}

// The same, some fours of a thread at once.
template <typename cut, bool gated, typename output>
__device__ void finish_fours(const output &to, int32_t first_channel, const float *mine,
                             const float *received) {
  enum { CHANNELS = gated ? cut::MINE / 2 : cut::MINE, FOURS = CHANNELS / 4, AT_ONCE = 2 };
#pragma unroll 1
  for (int first = static_cast<int>(threadIdx.x); first < to.rows * FOURS;
       first += AT_ONCE * THREADS) {
    float4 z[AT_ONCE], up[AT_ONCE];
#pragma unroll
    for (int i = 0; i < AT_ONCE; i++) {
      const int k = first + i * THREADS, row = k / FOURS, channel = k % FOURS * 4;
      if (row >= to.rows) break;
      const float4 *at = reinterpret_cast<const float4 *>(mine + row * cut::PITCH + channel);
      z[i] = *at;
      if constexpr (cut::SPLITS == 2)
        z[i] = sks_add_fours(
            z[i], *reinterpret_cast<const float4 *>(received + row * cut::PITCH + channel));
      up[i] = gated ? at[FOURS] : make_float4(0, 0, 0, 0);
    }
#pragma unroll
    for (int i = 0; i < AT_ONCE; i++) {
      const int k = first + i * THREADS, row = k / FOURS, channel = k % FOURS * 4;
      if (row >= to.rows) break;
      to.template finish_four<gated>(row, first_channel + channel, z[i], up[i]);
    }
  }
}

template <typename cut, bool gated, typename output>
__device__ void finish_all(const output &to, int32_t first_channel, const float *mine,
                           const float *received) {
  if (to.by_fours())
    finish_fours<cut, gated>(to, first_channel, mine, received);
  else
    finish<cut, gated>(to, first_channel, mine, received);
}

template <typename type, typename cut>
__global__ __launch_bounds__(THREADS, 1) void linear_batch(const __grid_constant__ batch_maps maps,
                                                           batch_args<type> args) {
  extern __shared__ char memory[];
  __shared__ sks_arrivals weights_full[cut::STAGES], weights_empty[cut::STAGES];
  __shared__ sks_arrivals input_full[INPUT_STAGES], input_empty[INPUT_STAGES], received_all;
  char *aligned = memory + (0 - sks_shared_address(memory)) % SKS_BOX_ALIGNMENT;
  // Products read 64 rows of input: behind those that are there lies more of the memory.
  const ring<INPUT_STAGES> input = {aligned, cut::BOXES * args.input_box_bytes, input_full,
                                    input_empty};
  const ring<cut::STAGES> weights = {aligned + cut::INPUT_RING_BYTES, cut::WEIGHT_BYTES,
                                     weights_full, weights_empty};
  float *mine = reinterpret_cast<float *>(aligned);
  float *received = reinterpret_cast<float *>(weights.memory + cut::STAGES * cut::WEIGHT_BYTES);
  const int warp = static_cast<int>(threadIdx.x) / SKS_WARP;
  const bool leads = threadIdx.x % SKS_WARP == 0;
  const int rank = cut::SPLITS == 1 ? 0 : sks_cluster_rank();
  const int32_t tile = static_cast<int32_t>(blockIdx.x) / cut::SPLITS;
  const int32_t begin = args.chunks * rank / cut::SPLITS;
  const int32_t end = args.chunks * (rank + 1) / cut::SPLITS;
  const bool gated = args.to.is_gated();
  const int32_t first_row = tile * (gated ? cut::WIDTH / 2 : cut::WIDTH);

  sks_let_next_start();
  filler<ring<cut::STAGES>, weight_bringer<cut>> weight_filler = {
      weights, {&maps.weights, first_row, gated ? args.to.channels : 0}, begin, end, {}};
  if (warp == MULTIPLIERS / SKS_WARP) {
    // The first weights need nothing of the kernel before, nor of the other warps.
    if (leads) {
      init_all<cut::STAGES>(weights_full, 1);
      weight_filler.fill(cut::WINDOW);
    }
  } else if (leads) {
    if (warp == 0) init_all<cut::STAGES>(weights_empty, MULTIPLIERS / SKS_WARP);
    if (warp == 1) init_all<INPUT_STAGES>(input_full, 1);
    if (warp == 2) init_all<INPUT_STAGES>(input_empty, MULTIPLIERS / SKS_WARP);
    if (warp == 3 && cut::SPLITS == 2) {
      init_all<1>(&received_all, 1);
      sks_arrivals_expect(&received_all,
                          static_cast<uint32_t>(args.to.rows * cut::MINE * sizeof(float)));
    }
  }
  __syncthreads();
  if (cut::SPLITS == 2) sks_cluster_meet();
  float sums[cut::WIDTH / 8][4];
  if (warp == MULTIPLIERS / SKS_WARP) {
    if (leads) {
      // The ring for the first time: as much more as has come.
      for (int i = 0; i + cut::WINDOW < min(cut::STAGES, end - begin); i++) {
        sks_arrivals_wait(weights_full + i, 0);
        weight_filler.fill(1);
      }
      weight_filler.fill(end - begin);
    }
    __syncwarp();
    sks_wait_for_previous();
  } else if (warp > MULTIPLIERS / SKS_WARP) {
    sks_wait_for_previous();
    if (leads) {
      sks_copies_see();
      filler<ring<INPUT_STAGES>, input_bringer<cut>> input_filler = {
          input, {&maps.input, args.input_box_bytes}, begin, end, {}};
      input_filler.fill(end - begin);
    }
    __syncwarp();
  } else {
    sks_wait_for_previous();
    multiply<type, cut>(weights, input, end - begin, args.input_box_bytes, sums);
  }
  // All has come and been read: sums take the rings' place.
  __syncthreads();
  if (warp < MULTIPLIERS / SKS_WARP) {
    put_sums<cut>(sums, args.to.rows, rank, mine, received, &received_all);
    if (cut::SPLITS == 2) sks_arrivals_wait_cluster(&received_all, 0);
  }
  __syncthreads();
  const int32_t first_channel = first_row + rank * cut::MINE;
  if (cut::SPLITS == 1 && gated)
    finish_all<cut, true>(args.to, first_channel, mine, received);
  else
    finish_all<cut, false>(args.to, first_channel, mine, received);
}

template <typename type>
using launcher = cudaError_t (*)(cudaStream_t, const sks_cuda_matrix *, const void *, int64_t,
                                 batch_args<type>, bool);

template <typename type, typename cut>
cudaError_t launch(cudaStream_t stream, const sks_cuda_matrix *matrix, const void *x,
                   int64_t x_stride, batch_args<type> args, bool overlap) {
  const int32_t box_rows = args.to.is_gated() ? cut::WIDTH / 2 : cut::WIDTH;
  const int32_t input_rows = (args.to.rows + 7) / 8 * 8;
  const int32_t chunk = cut::BOXES * SKS_BOX_COLUMNS;
  args.chunks = static_cast<int32_t>((matrix->columns + chunk - 1) / chunk);
  args.input_box_bytes = input_rows * SKS_BOX_ROW_BYTES;
  batch_maps maps;
  cudaError_t error =
      sks_tensor_map(matrix->type, matrix->elements, matrix->rows, matrix->columns,
                     sks_cuda_pitch(matrix->type, matrix->columns), box_rows, &maps.weights);
  if (error == cudaSuccess)
    error = sks_tensor_map(matrix->type, x, args.to.rows, matrix->columns, x_stride * 2, input_rows,
                           &maps.input);
  if (error != cudaSuccess) return error;
  const int32_t tiles = (args.to.channels + box_rows - 1) / box_rows;
  return sks_launch_cluster(
      linear_batch<type, cut>, dim3(static_cast<unsigned>(tiles * cut::SPLITS)), THREADS,
      cut::SPLITS == 1 ? 0 : cut::SPLITS, cut::SHARED_BYTES, stream, overlap, maps, args);
}

// All cuts that are built.
template <typename type>
struct known_cut {
  int32_t width, splits;
  launcher<type> launch;
};

template <typename type, int width, int splits>
constexpr known_cut<type> cut_of = {width, splits, launch<type, cut<width, splits>>};

// With that which leaves a processor least to do: weights, and input that it reads beside them.
template <typename type>
cudaError_t launch_best(cudaStream_t stream, const sks_cuda_matrix *matrix, const void *x,
                        int64_t x_stride, const batch_args<type> &args, bool overlap) {
  static constexpr known_cut<type> cuts[] = {
      cut_of<type, 96, 1>, cut_of<type, 128, 1>, cut_of<type, 176, 1>, cut_of<type, 256, 1>,
      cut_of<type, 64, 2>, cut_of<type, 96, 2>,  cut_of<type, 128, 2>};
  const int64_t input = 24;  // channels that cost as much
  sks_card card = {};
  cudaError_t error = sks_card_of(&card);
  if (error != cudaSuccess) return error;
  const known_cut<type> *best = nullptr;
  int64_t least = 0;
  for (const known_cut<type> &c : cuts) {
    // The halves of a tile with a gate do not belong together; and each block needs a chunk.
    if (c.splits > 1 && (args.to.is_gated() || matrix->columns <= 2 * SKS_BOX_COLUMNS)) continue;
    int64_t blocks = (matrix->rows + c.width - 1) / c.width * c.splits;
    int64_t turns = (blocks + card.processors - 1) / card.processors;
    int64_t work = turns * (matrix->columns / c.splits) * (c.width + input);
    if (best != nullptr && work >= least) continue;
    best = &c;
    least = work;
  }
  return best->launch(stream, matrix, x, x_stride, args, overlap);
}

template <typename type>
cudaError_t launch_typed(cudaStream_t stream, const sks_cuda_matrix *matrix, const void *x,
                         int64_t x_stride, int32_t rows, float *y, const sks_cuda_rounded *rounded,
                         int32_t output, bool overlap) {
  batch_args<type> args = {};
  args.to.bias = matrix->bias;
  args.to.y = y;
  args.to.rounded = static_cast<uint16_t *>(rounded->rows);
  args.to.rounded_stride = rounded->stride;
  args.to.rows = rows;
  args.to.channels =
      static_cast<int32_t>(output == SKS_SILU_GATE ? matrix->rows / 2 : matrix->rows);
  args.to.output = output;
  return launch_best(stream, matrix, x, x_stride, args, overlap);
}

}  // namespace

bool sks_cuda_linear_batches(const sks_cuda_matrix *matrix) {
  sks_card card = {};
  return (matrix->type == SKS_F16 || matrix->type == SKS_BF16) &&
         sks_card_of(&card) == cudaSuccess && card.major == 9;
}

cudaError_t sks_cuda_linear_batch(cudaStream_t stream, const sks_cuda_matrix *matrix, const void *x,
                                  int64_t x_stride, int32_t rows, float *y,
                                  sks_cuda_rounded rounded, int32_t output, bool overlap) {
  if (rows == 0) return cudaSuccess;
  if (!sks_cuda_linear_batches(matrix) || rows > SKS_CUDA_BATCH_ROWS ||
      (output == SKS_SILU_GATE && matrix->rows % 2 != 0) || x_stride % 8 != 0 ||
      (rounded.rows != nullptr && (output == SKS_ADD || rounded.type != matrix->type)))
    return cudaErrorInvalidValue;
  return matrix->type == SKS_F16 ? launch_typed<sks_group_f16>(stream, matrix, x, x_stride, rows, y,
                                                               &rounded, output, overlap)
                                 : launch_typed<sks_group_bf16>(stream, matrix, x, x_stride, rows,
                                                                y, &rounded, output, overlap);
}
