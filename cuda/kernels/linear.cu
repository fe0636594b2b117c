// The linear layer of one row or a few: what a thread takes of the input, the sums of its block's
// tiles, and how a launch is cut into blocks and groups.
#include "cuda/kernels/device/activation.cuh"
#include "cuda/kernels/device/launch.cuh"
#include "cuda/kernels/device/linear_input.cuh"
#include "cuda/kernels/device/linear_tiles.cuh"
#include "cuda/kernels/device/reduce.cuh"
#include "cuda/kernels/device/weight.cuh"
#include "cuda/kernels/linear.h"
#include "cuda/kernels/loading.h"

namespace {

enum {
  SCALE_ROWS = SKS_CUDA_ROW_TILE,
  ROW_THREADS = 512,  // most that share a row
  MOST_THREADS = 1024,
  THREADS = 768,  // of a block, if that makes two groups: leaves registers for one of attention
  MOST_GROUPS = 8,
  MOST_ROWS = 65532,  // of x in a launch: of a grid's second dimension, and whole fours
  MOST_STAGES = 12,
  EARLY_GROUPS = 3,  // that ask for weights before x is there, which would wait behind all
  // Of a block's ring and its input in whole numbers: more than half of what a processor has, so
  // that each gets one block of a launch, and as much as leaves room for one of attention, so that
  // the one's loads are on their way while the other ends. Very wide rows need all that a block can
  // have.
  RING_BYTES = 140 << 10,
  LEAST_BYTES = 120 << 10,
  SMALL_RING_BYTES = 96 << 10,  // of cards with less; three stages hide enough there
  SMALL_RING_STAGES = 3,
  TILE_BYTES = 48 << 10  // up to here four rows of floats are summed together, else one by one
};

template <typename weight>
__device__ int32_t first_column(const sks_row_group &g, int slot) {
  return (slot * g.threads + g.thread) * weight::COLUMNS;
}

// What becomes of the sum of one row of the matrix and one of x.
__device__ void finish_row(const sks_linear_args &args, int32_t row, bool second, float sum,
                           float *gate, int64_t input) {
  bool gated = args.output == SKS_SILU_GATE;
  if (row >= (gated && !second ? args.y_columns : args.rows)) return;
  float z = sum + (args.bias ? args.bias[row] : 0.0f);
  float *y = args.y + input * args.y_columns;
  if (args.output == SKS_ADD)
    atomicAdd(y + row, z);  // nobody else adds to it: not for order, but not to wait for it
  else if (!gated)
    y[row] = sks_output_of(args.output, z, y + row);
  else if (!second)
    *gate = z;
  else
    y[row - args.y_columns] = sks_silu(*gate) * z;
}

// Threads of a block: with two groups or more one computes while the other waits; half of them
// where the input takes more registers than are left then.
template <typename weight, int slots>
constexpr int block_threads(int inputs) {
  return inputs == 1 && slots * weight::REGISTERS <= 24 ? MOST_THREADS : MOST_THREADS / 2;
}

// What a block knows beside its ring and its input in numbers.
template <int inputs, int tile>
struct block_state {
  // Sums of a tile, by the warps of each group; before that, of a layer norm.
  float parts[MOST_GROUPS][2][inputs][tile][ROW_THREADS / SKS_WARP];
  float squares[MOST_GROUPS][inputs][ROW_THREADS / SKS_WARP];  // of a row of x, by warps
  float scales[MOST_GROUPS][inputs];  // what is left of the norm, from a group's first meeting on
  sks_arrivals arrivals[MOST_GROUPS][MOST_STAGES];

  __device__ float *scratch() { return &parts[0][0][0][0][0]; }
  static_assert(sizeof parts >= 2 * SKS_MOST_WARPS * sizeof(float), "");
};

// By the last warp of each group, so that others go on: what is left of the norm of row i of x, of
// whose squares' sum each lane has a part.
template <typename state>
__device__ void put_scale(const sks_linear_args &args, const sks_row_group &g, state &block, int i,
                          float squares) {
  squares = sks_warp_sum(squares);
  float scale = args.norm.is(SKS_RMS_NORM) ? args.norm.scale(squares) : 1.0f;
  if (g.lane == 0) block.scales[g.index][i] = scale;
}

// A thread's columns of a row of numbers.
template <typename weight, int slots, typename numbers>
__device__ void take_columns(const sks_linear_args &args, const sks_row_group &g,
                             const numbers &row, typename weight::input (&in)[slots]) {
#pragma unroll
  for (int slot = 0; slot < slots; slot++) {
    int32_t column = first_column<weight>(g, slot);
    if (column < args.columns) in[slot] = weight::take(row, column);
  }
}

// What a thread multiplies: its columns of rows of x from `first_input` on, as numbers, which were
// left or are made by the block in `shared`. `start_rest` asks for more weights once the first row
// is there.
template <typename weight, int slots, int inputs, typename state, typename function>
__device__ void take_numbers(const sks_linear_args &args, const sks_row_group &g,
                             int64_t first_input, char *shared, state &block,
                             const function &start_rest,
                             typename weight::input (&in)[inputs][slots]) {
  const sks_input_numbers numbers(shared, args.columns);
  const bool makes = args.all_make || g.warp > 0;
  const int32_t makers = args.all_make ? g.threads : g.threads - SKS_WARP;
  const sks_number_maker maker(args.norm, args.columns,
                               g.index * makers + g.thread - (g.threads - makers),
                               g.count * makers);
  if (args.left.rows) g.meet();  // its barriers are there; else all meet for the numbers
  sks_wait_for_previous();
#pragma unroll
  for (int i = 0; i < inputs; i++) {
    const float *row = args.x + (first_input + i) * args.columns;
    sks_row_norm norm;
    if (i > 0) __syncthreads();
    if (args.norm.is(SKS_LAYER_NORM)) norm.measure(args.norm, args.columns, row, block.scratch());
    if (args.left.rows)
      take_columns<weight>(args, g, sks_left_numbers(args.left, first_input + i, args.columns),
                           in[i]);
    else if (makes)
      maker.make(norm, row, numbers);
    if (i == 0) start_rest();
    if (!args.left.rows) {
      __syncthreads();
      take_columns<weight>(args, g, numbers, in[i]);
    }
    if (g.warp < g.warps - 1) continue;
    const int32_t count = args.norm.is(SKS_RMS_NORM) ? numbers.square_count(args.columns) : 0;
    float squares = 0;
#pragma unroll 1
    for (int32_t at = g.lane; at < count; at += SKS_WARP) squares += numbers.squares[at];
    put_scale(args, g, block, i, squares);
  }
}

// The same as floats.
template <typename weight, int slots, int inputs, typename state, typename function>
__device__ void take_floats(const sks_linear_args &args, const sks_row_group &g,
                            int64_t first_input, state &block, const function &start_rest,
                            typename weight::input (&in)[inputs][slots]) {
  // The norm's factors are there before x is, if there are registers for them.
  constexpr bool early = slots * weight::COLUMNS <= 16;
  const int32_t first = first_column<weight>(g, 0), step = g.threads * weight::COLUMNS;
  const bool rms = args.norm.is(SKS_RMS_NORM), layer = args.norm.is(SKS_LAYER_NORM);
  float factors[early ? slots : 1][weight::COLUMNS];
#pragma unroll
  for (int slot = 0; slot < slots && early; slot++)
    if (args.norm.weight)
      sks_load_columns<1>(args.norm.weight, args.columns, first + slot * step, factors[slot]);
  sks_wait_for_previous();
#pragma unroll
  for (int i = 0; i < inputs; i++) {
    const float *row = args.x + (first_input + i) * args.columns;
    sks_row_norm norm;
    if (layer && i > 0) __syncthreads();
    if (layer) norm.measure(args.norm, args.columns, row, block.scratch());
    float x[slots][weight::COLUMNS], sum = 0;
#pragma unroll
    for (int slot = 0; slot < slots; slot++)
      sks_load_columns<1>(row, args.columns, first + slot * step, x[slot]);
#pragma unroll
    for (int slot = 0; slot < slots && args.norm.weight; slot++)
#pragma unroll
      for (int four = 0; four < weight::COLUMNS; four += 4) {
        int32_t column = first + slot * step + four;
        float its[4];
        if constexpr (early)
          memcpy(its, factors[slot] + four, sizeof its);
        else
          sks_load_columns<1>(args.norm.weight, args.columns, column, its);
        sum += norm.apply<1, 4>(args.norm, args.columns, column, its, x[slot] + four);
      }
    sum = rms ? sks_warp_sum(sum) : 0.0f;
    if (g.lane == 0) block.squares[g.index][i][g.warp] = sum;
    if (i == 0) start_rest();
#pragma unroll
    for (int slot = 0; slot < slots; slot++) in[i][slot] = weight::take(x[slot]);
  }
  __syncthreads();
  for (int i = 0; i < inputs && g.warp == g.warps - 1; i++)
    put_scale(args, g, block, i, g.lane < g.warps ? block.squares[g.index][i][g.lane] : 0.0f);
}

template <typename weight, int slots, int tile, int inputs>
__global__ __launch_bounds__((block_threads<weight, slots>(inputs)),
                             1) void linear_rows(sks_linear_args args) {
  extern __shared__ __align__(128) char shared[];
  __shared__ block_state<inputs, tile> block;
  const sks_row_group g;
  const sks_tile_sequence<tile> tiles(args, g);
  const sks_tile_ring<weight, tile> pipe = {shared + g.index * args.stages * args.stage_bytes,
                                            block.arrivals[g.index]};

  sks_let_next_start();
  // Loops over stages stay loops: a kernel's instructions come from memory, too.
  if (g.thread == 0) {
#pragma unroll 1
    for (int32_t i = 0; i < args.stages; i++) sks_arrivals_init(pipe.arrivals + i);
    sks_arrivals_ready();
  }
  const int32_t early = g.index < EARLY_GROUPS ? args.early_stages : 0;
#pragma unroll 1
  for (int32_t i = 0; i < early; i++) pipe.start(args, g, tiles, i, i);
  const auto start_rest = [&] {
#pragma unroll 1
    for (int32_t i = early; i < args.stages; i++) pipe.start(args, g, tiles, i, i);
  };

  const int64_t first_input = static_cast<int64_t>(blockIdx.y) * inputs;
  typename weight::input in[inputs][slots];
  if constexpr (weight::SCALED)
    take_numbers<weight>(args, g, first_input, shared + g.count * args.stages * args.stage_bytes,
                         block, start_rest, in);
  else
    take_floats<weight>(args, g, first_input, block, start_rest, in);

  // Rows are finished by a warp that asks for nothing, if there are such.
  const int32_t first_finisher = g.warps > 3 ? 1 : 0;
  int32_t stage = 0, finisher = first_finisher;
  uint32_t parity = 0;
  float gate[inputs];
  for (int32_t i = 0; i < tiles.tiles; i++) {
    pipe.wait(args, g, stage, parity);
    const char *elements = pipe.memory + stage * args.stage_bytes;
    // Of a row by itself: which one of those whose scales lie together.
    const int32_t first = tile < SCALE_ROWS ? tiles.row(args, i) % SCALE_ROWS : 0;
    float sums[inputs][tile] = {};
#pragma unroll
    for (int slot = 0; slot < slots; slot++) {
      int32_t column = first_column<weight>(g, slot);
      if (column >= args.columns) break;
      const char *at = elements + (slot * g.threads + g.thread) * 16;
      uint2 scales = make_uint2(0, 0);
      if constexpr (weight::SCALED)
        scales = *reinterpret_cast<const uint2 *>(
            elements + tile * args.pitch + column / sks_cuda_scale_columns(weight::TYPE) * 8);
#pragma unroll
      for (int r = 0; r < tile; r++) {
        float scale = 0;
        if (weight::SCALED) {
          uint32_t pair = first + r < 2 ? scales.x : scales.y;
          scale = sks_widen_half(static_cast<uint16_t>((first + r) % 2 ? pair >> 16 : pair));
        }
        uint4 w = *reinterpret_cast<const uint4 *>(at + r * args.pitch);
#pragma unroll
        for (int k = 0; k < inputs; k++)
          sums[k][r] = weight::add(sums[k][r], w, in[k][slot], scale);
      }
    }
    float(&half)[inputs][tile][ROW_THREADS / SKS_WARP] = block.parts[g.index][i & 1];
#pragma unroll
    for (int k = 0; k < inputs; k++) {
      constexpr int lanes = SKS_WARP / tile;
      float sum = sks_warp_sums(sums[k]);
      if (g.lane % lanes == 0) half[k][g.lane / lanes][g.warp] = sum;
    }
    // One meeting a tile: the stage is free, and so is the other half of `parts`.
    g.meet();
    pipe.start(args, g, tiles, i + args.stages, stage);
    if (++stage == args.stages) {
      stage = 0;
      parity ^= 1;
    }
    if (g.warp == finisher) {
      constexpr int lanes = SKS_WARP / tile;
      int32_t row = tiles.row(args, i) + g.lane / lanes;
#pragma unroll
      for (int k = 0; k < inputs; k++) {
        float total = 0;
#pragma unroll
        for (int w = g.lane % lanes; w < ROW_THREADS / SKS_WARP; w += lanes)
          if (w < g.warps) total += half[k][g.lane / lanes][w];
        total = sks_warp_sum<lanes>(total);
        if (g.lane % lanes == 0)
          finish_row(args, row, tiles.gated && (i & 1), total * block.scales[g.index][k], gate + k,
                     first_input + k);
      }
    }
    if ((!tiles.gated || (i & 1)) && ++finisher == g.warps) finisher = first_finisher;
  }
}

template <int tile>
int32_t stage_bytes(const sks_linear_args &args) {
  return static_cast<int32_t>((tile * args.pitch + args.scale_bytes + 127) / 128 * 128);
}

template <typename weight>
int32_t input_bytes(const sks_linear_args &args) {
  return weight::SCALED ? (sks_input_numbers::bytes(args.columns) + 127) / 128 * 128 : 0;
}

// Of a block's ring and its input in whole numbers, at most.
template <int tile, int inputs>
int32_t most_bytes(const sks_card &card) {
  return card.most_bytes - static_cast<int32_t>(sizeof(block_state<inputs, tile>));
}

// Whether a block finds room for a stage at least.
template <typename weight, int tile, int inputs>
bool has_room(const sks_linear_args &args, const sks_card &card) {
  return stage_bytes<tile>(args) + input_bytes<weight>(args) <= most_bytes<tile, inputs>(card);
}

template <typename weight, int slots, int tile, int inputs>
cudaError_t launch(cudaStream_t stream, const sks_card &card, sks_linear_args args,
                   int32_t group_threads, int32_t rows, bool overlap) {
  int32_t groups = block_threads<weight, slots>(inputs) / group_threads;
  int32_t most_groups = THREADS / group_threads < 2 ? 2 : THREADS / group_threads;
  if (groups > most_groups) groups = most_groups;
  if (groups > MOST_GROUPS) groups = MOST_GROUPS;
  args.stage_bytes = stage_bytes<tile>(args);
  // Smaller rings leave as few as one.
  int32_t least_groups = card.is_large() ? MOST_THREADS / 2 / group_threads : 1;
  args.norm.threads = (least_groups < groups ? least_groups : groups) * group_threads;
  const int32_t numbers_bytes = input_bytes<weight>(args);
  int32_t pair = groups < 2 ? 1 : 2;
  int32_t wide = most_bytes<tile, inputs>(card);
  int32_t ring = (2 * pair * args.stage_bytes + numbers_bytes <= RING_BYTES ? RING_BYTES : wide) -
                 numbers_bytes;
  int32_t most = MOST_STAGES;
  if (!card.is_large()) {
    ring = wide - numbers_bytes < SMALL_RING_BYTES ? wide - numbers_bytes : SMALL_RING_BYTES;
    most = SMALL_RING_STAGES;
  }
  while (groups > 1 && 2 * groups * args.stage_bytes > ring) groups--;
  args.stages = ring / (groups * args.stage_bytes);
  args.stages = args.stages < 1 ? 1 : args.stages > most ? most : args.stages;
  args.early_stages = args.stages > 1 ? args.stages - 1 : 1;
  if (weight::SCALED) {
    // To ask takes long: who does makes no numbers, if that costs the others no round.
    int32_t all = groups * group_threads, others = all - groups * SKS_WARP;
    const auto rounds = [&](int32_t threads) {
      return threads ? (args.columns / sks_input_numbers::COLUMNS + threads - 1) / threads
                     : INT32_MAX;
    };
    args.all_make = rounds(others) > rounds(all);
  }
  int32_t units = (args.y_columns + tile - 1) / tile;
  int32_t blocks = card.processors < units ? card.processors : units;
  args.units = units / blocks;
  args.more_units = units % blocks;
  args.group_units = args.units / groups;
  if (weight::SCALED && card.is_large()) {
    // A processor that gives a kernel no more than it asks for has no room for attention beside.
    // With weights of 16 bits that would gain nothing: there memory is busy as it is.
    cudaError_t error = cudaFuncSetAttribute(
        reinterpret_cast<const void *>(linear_rows<weight, slots, tile, inputs>),
        cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared);
    if (error != cudaSuccess) return error;
  }
  dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>(rows / inputs));
  size_t shared = static_cast<size_t>(groups) * args.stages * args.stage_bytes + numbers_bytes;
  if (card.is_large() && shared < LEAST_BYTES) shared = LEAST_BYTES;
  return sks_launch(linear_rows<weight, slots, tile, inputs>, grid,
                    dim3(static_cast<unsigned>(group_threads), static_cast<unsigned>(groups)),
                    shared, stream, overlap, args);
}

// Rows of x in groups of four, whose weights are read once, then one by one.
template <typename weight, int slots, int tile>
cudaError_t launch_rows(cudaStream_t stream, const sks_card &card, sks_linear_args args,
                        int32_t group_threads, int32_t rows, bool overlap) {
  constexpr int group = SKS_CUDA_FEW_ROWS;
  constexpr bool fits = slots * weight::REGISTERS <= 24;
  cudaError_t error = cudaSuccess;
  int32_t grouped = fits && has_room<weight, tile, group>(args, card) ? rows / group * group : 0;
  if constexpr (fits) {
    if (grouped > 0)
      error =
          launch<weight, slots, tile, group>(stream, card, args, group_threads, grouped, overlap);
  }
  args.x += static_cast<int64_t>(grouped) * args.columns;
  if (args.left.rows)
    args.left.rows = static_cast<uint16_t *>(args.left.rows) + grouped * args.left.stride;
  args.y += static_cast<int64_t>(grouped) * args.y_columns;
  if (error == cudaSuccess && grouped < rows)
    error =
        launch<weight, slots, tile, 1>(stream, card, args, group_threads, rows - grouped, overlap);
  return error;
}

// Scales lie by four rows, so that quantised rows are taken so wherever there is room.
template <typename weight, int slots>
cudaError_t launch_tile(cudaStream_t stream, const sks_card &card, const sks_linear_args &args,
                        int32_t group_threads, int32_t rows, bool overlap) {
  if constexpr (slots > 1) {
    if (weight::SCALED ? !has_room<weight, SCALE_ROWS, 1>(args, card)
                       : SCALE_ROWS * args.pitch > TILE_BYTES)
      return launch_rows<weight, slots, 1>(stream, card, args, group_threads, rows, overlap);
  }
  if constexpr (weight::SCALED || slots <= 2)
    return launch_rows<weight, slots, SCALE_ROWS>(stream, card, args, group_threads, rows, overlap);
  return cudaErrorInvalidValue;
}

template <typename weight>
cudaError_t launch_slots(cudaStream_t stream, sks_linear_args args, int32_t rows, bool overlap) {
  sks_card card = {};
  cudaError_t error = sks_card_of(&card);
  if (error != cudaSuccess) return error;
  int64_t items = args.pitch / 16;
  int64_t slots = (items + ROW_THREADS - 1) / ROW_THREADS;
  // Half the threads for a row leave registers, too.
  if (slots == 1 && !weight::SCALED && items > ROW_THREADS / 2) slots = 2;
  // Not all numbers of slots are built.
  if (slots > 3) slots = slots <= 4 ? 4 : slots <= 6 ? 6 : slots <= 8 ? 8 : 16;
  const int32_t group_threads =
      static_cast<int32_t>((items + slots - 1) / slots + SKS_WARP - 1) / SKS_WARP * SKS_WARP;
  switch (slots) {
    case 1:
      return launch_tile<weight, 1>(stream, card, args, group_threads, rows, overlap);
    case 2:
      return launch_tile<weight, 2>(stream, card, args, group_threads, rows, overlap);
    case 3:
      if constexpr (weight::COLUMNS <= 16)
        return launch_tile<weight, 3>(stream, card, args, group_threads, rows, overlap);
      break;
    case 4:
      if constexpr (weight::COLUMNS <= 16)
        return launch_tile<weight, 4>(stream, card, args, group_threads, rows, overlap);
      break;
    case 6:
      if constexpr (weight::COLUMNS <= 8)
        return launch_tile<weight, 6>(stream, card, args, group_threads, rows, overlap);
      break;
    case 8:
      if constexpr (weight::COLUMNS <= 8)
        return launch_tile<weight, 8>(stream, card, args, group_threads, rows, overlap);
      break;
    default:
      if constexpr (weight::COLUMNS == 4)
        return launch_tile<weight, 16>(stream, card, args, group_threads, rows, overlap);
  }
  return cudaErrorInvalidValue;
}

}  // namespace

cudaError_t sks_cuda_linear(cudaStream_t stream, const sks_cuda_matrix *matrix,
                            const sks_norm *norm, const float *x, sks_cuda_rounded left,
                            int32_t rows, float *y, int32_t output, bool overlap) {
  if (rows == 0) return cudaSuccess;
  bool gated = output == SKS_SILU_GATE;
  if (rows > MOST_ROWS) {
    cudaError_t error =
        sks_cuda_linear(stream, matrix, norm, x, left, MOST_ROWS, y, output, overlap);
    if (error != cudaSuccess) return error;
    if (left.rows) left.rows = static_cast<uint16_t *>(left.rows) + MOST_ROWS * left.stride;
    return sks_cuda_linear(stream, matrix, norm, x + MOST_ROWS * matrix->columns, left,
                           rows - MOST_ROWS, y + MOST_ROWS * matrix->rows / (gated ? 2 : 1), output,
                           overlap);
  }
  bool scaled = sks_cuda_scale_columns(matrix->type) > 0;
  int64_t channels = gated ? matrix->rows / 2 : matrix->rows;
  if (matrix->columns > SKS_CUDA_MOST_COLUMNS || (gated && matrix->rows % 2 != 0) ||
      (gated && scaled && channels % SKS_CUDA_ROW_TILE != 0) ||
      (left.rows && (norm || !scaled || left.type != SKS_CUDA_NUMBERS)))
    return cudaErrorInvalidValue;
  sks_linear_args args = {};
  args.elements = static_cast<const char *>(matrix->elements);
  args.pitch = static_cast<int32_t>(sks_cuda_pitch(matrix->type, matrix->columns));
  args.scales = static_cast<const char *>(matrix->scales);
  args.bias = matrix->bias;
  args.rows = static_cast<int32_t>(matrix->rows);
  args.columns = static_cast<int32_t>(matrix->columns);
  args.scale_bytes = static_cast<int32_t>(sks_cuda_scale_tile_bytes(matrix->type, matrix->columns));
  args.output = output;
  if (norm) {
    args.norm.weight = norm->weight;
    args.norm.bias = norm->kind == SKS_LAYER_NORM ? norm->bias : nullptr;
    args.norm.epsilon = norm->epsilon;
    args.norm.share = 1.0f / static_cast<float>(matrix->columns);
    args.norm.kind = norm->kind;
  }
  args.x = x;
  args.left = left;
  args.y = y;
  args.y_columns = static_cast<int32_t>(channels);
  switch (matrix->type) {
    case SKS_F32:
      return launch_slots<sks_weight_f32>(stream, args, rows, overlap);
    case SKS_F16:
      return launch_slots<sks_weight_f16>(stream, args, rows, overlap);
    case SKS_BF16:
      return launch_slots<sks_weight_bf16>(stream, args, rows, overlap);
    case SKS_Q8_0:
      return launch_slots<sks_weight_q8_0>(stream, args, rows, overlap);
    case SKS_Q4_0:
      return launch_slots<sks_weight_q4_0>(stream, args, rows, overlap);
    case SKS_Q6_K:
      return launch_slots<sks_weight_q6_k>(stream, args, rows, overlap);
    default:
      return cudaErrorInvalidValue;
  }
}

cudaError_t sks_cuda_linear_most_columns(int32_t type, int32_t *columns) {
  sks_card card = {};
  cudaError_t error = sks_card_of(&card);
  if (error != cudaSuccess) return error;
  const bool scaled = sks_cuda_scale_columns(type) > 0;
  sks_linear_args args = {};
  for (args.columns = SKS_CUDA_MOST_COLUMNS; args.columns > 0; args.columns -= 32) {
    args.pitch = static_cast<int32_t>(sks_cuda_pitch(type, args.columns));
    args.scale_bytes = static_cast<int32_t>(sks_cuda_scale_tile_bytes(type, args.columns));
    // Of a row by itself: what is widest is taken so.
    if (scaled ? has_room<sks_weight_q8_0, 1, 1>(args, card)
               : has_room<sks_weight_f32, 1, 1>(args, card))
      break;
  }
  *columns = args.columns;
  return cudaSuccess;
}

const void *sks_cuda_linear_kernel() {
  return reinterpret_cast<const void *>(linear_rows<sks_weight_q4_0, 1, SKS_CUDA_ROW_TILE, 1>);
}
