// What surrounds a matrix product that another file or a library does: its input rounded, with the
// norm before it, and what becomes of a library's output.
#include "cuda/kernels/device/activation.cuh"
#include "cuda/kernels/device/launch.cuh"
#include "cuda/kernels/device/reduce.cuh"
#include "cuda/kernels/device/round.cuh"
#include "cuda/kernels/linear.h"

namespace {

enum {
  THREADS = 256,
  ROW_THREADS = 512,  // of prepare
  FEW_FOURS = 2,      // of columns, that a thread of prepare has in registers
  MORE_FOURS = 6
};

struct prepare_args {
  sks_norm norm;  // no weight: none
  const float *x;
  int64_t columns;
  void *target;
  int64_t stride;
};

// Four columns from `column` on. `wholly`: all rows consist of fours.
template <int type>
__device__ void put_four(void *row, int64_t column, int64_t stride, bool wholly, float4 x) {
  const float values[4] = {x.x, x.y, x.z, x.w};
  if constexpr (type == SKS_F32) {
    float *to = static_cast<float *>(row) + column;
    for (int i = 0; i < 4; i++)
      if (column + i < stride) to[i] = values[i];
  } else {
    uint16_t *to = static_cast<uint16_t *>(row) + column;
    if (wholly) *reinterpret_cast<ushort4 *>(to) = sks_round_four<type>(x);
    for (int i = 0; !wholly && i < 4; i++)
      if (column + i < stride) to[i] = sks_round_to<type>(values[i]);
  }
}

// Zero from `columns` on. `wholly`: all rows consist of fours.
__device__ float4 get_four(const float *row, int64_t column, int64_t columns, bool wholly) {
  float x[4] = {};
  if (wholly && column < columns) return *reinterpret_cast<const float4 *>(row + column);
#pragma unroll
  for (int i = 0; i < 4; i++)
    if (column + i < columns) x[i] = row[column + i];
  return make_float4(x[0], x[1], x[2], x[3]);
}

// A block for each row, of which a thread has some fours of columns in registers, most rows whole:
// their loads wait together, and no instruction is for fours that are not there.
template <int type, int fours>
__global__ __launch_bounds__(ROW_THREADS, 2) void prepare(prepare_args args) {
  __shared__ float scratch[2 * SKS_MOST_WARPS];
  const int64_t columns = args.columns, first = static_cast<int64_t>(threadIdx.x) * 4;
  const bool wholly = columns % 4 == 0;
  const float *x = args.x + blockIdx.x * columns;
  auto four_of = [&](int i) { return first + static_cast<int64_t>(i) * ROW_THREADS * 4; };
  sks_let_next_start();
  // The weights of a norm are on their way while it waits for x.
  if (args.norm.weight)
    for (int i = 0; four_of(i) < columns; i++)
      asm volatile("prefetch.global.L1 [%0];\n" ::"l"(args.norm.weight + four_of(i)));
  sks_wait_for_previous();
  float4 held[fours];
#pragma unroll
  for (int i = 0; i < fours; i++) held[i] = get_four(x, four_of(i), columns, wholly);
  auto at = [&](int i) { return get_four(x, four_of(i), columns, wholly); };
  float mean = 0, scale = 1;
  if (args.norm.weight) {
    if (args.norm.kind == SKS_LAYER_NORM) {
      float sum = 0;
      auto add = [&](float4 v) { sum += v.x + v.y + v.z + v.w; };
#pragma unroll
      for (int i = 0; i < fours; i++) add(held[i]);
      for (int i = fours; four_of(i) < columns; i++) add(at(i));
      mean = sks_block_sum(sum, scratch) / static_cast<float>(columns);
    }
    float squares = 0;
    auto add = [&](int64_t column, float4 v) {
      const float values[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
      for (int i = 0; i < 4; i++)
        if (column + i < columns) squares = fmaf(values[i] - mean, values[i] - mean, squares);
    };
#pragma unroll
    for (int i = 0; i < fours; i++) add(four_of(i), held[i]);
    for (int i = fours; four_of(i) < columns; i++) add(four_of(i), at(i));
    float variance = sks_block_sum(squares, scratch + SKS_MOST_WARPS) / static_cast<float>(columns);
    scale = 1.0f / sqrtf(variance + args.norm.epsilon);
  }
  const int bytes = type == SKS_F32 ? 4 : 2;
  char *target = static_cast<char *>(args.target) + blockIdx.x * args.stride * bytes;
  auto put = [&](int64_t column, float4 v) {
    if (args.norm.weight && column < columns) {
      float4 factor = get_four(args.norm.weight, column, columns, wholly);
      float4 term = make_float4(0, 0, 0, 0);
      if (args.norm.bias) term = get_four(args.norm.bias, column, columns, wholly);
      v.x = fmaf((v.x - mean) * scale, factor.x, term.x);
      v.y = fmaf((v.y - mean) * scale, factor.y, term.y);
      v.z = fmaf((v.z - mean) * scale, factor.z, term.z);
      v.w = fmaf((v.w - mean) * scale, factor.w, term.w);
    }
    if (column < args.stride) put_four<type>(target, column, args.stride, args.stride % 4 == 0, v);
  };
#pragma unroll
  for (int i = 0; i < fours; i++) put(four_of(i), held[i]);
  for (int i = fours; four_of(i) < args.stride; i++) put(four_of(i), at(i));
}

template <int type>
cudaError_t launch_prepare(cudaStream_t stream, int32_t rows, const prepare_args &args,
                           bool overlap) {
  dim3 grid(static_cast<unsigned>(rows));
  return args.stride <= FEW_FOURS * ROW_THREADS * 4
             ? sks_launch(prepare<type, FEW_FOURS>, grid, ROW_THREADS, 0, stream, overlap, args)
             : sks_launch(prepare<type, MORE_FOURS>, grid, ROW_THREADS, 0, stream, overlap, args);
}

struct finish_args {
  const float *z, *bias;
  float *y;
  int64_t rows, channels;  // of y
  int32_t output;
};

__global__ __launch_bounds__(THREADS) void finish(finish_args args) {
  sks_let_next_start();
  sks_wait_for_previous();
  int64_t step = static_cast<int64_t>(gridDim.x) * THREADS;
  bool gated = args.output == SKS_SILU_GATE;
  int64_t z_channels = gated ? 2 * args.channels : args.channels;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * THREADS + threadIdx.x;
       i < args.rows * args.channels; i += step) {
    int64_t row = i / args.channels, channel = i % args.channels;
    const float *z = args.z + row * z_channels;
    float value = z[channel] + (args.bias ? args.bias[channel] : 0.0f);
    if (gated) {
      float up = z[args.channels + channel];
      if (args.bias) up += args.bias[args.channels + channel];
      args.y[i] = sks_silu(value) * up;
    } else {
      args.y[i] = sks_output_of(args.output, value, args.y + i);
    }
  }
}

// Four channels a thread, where rows are whole fours.
__global__ __launch_bounds__(THREADS) void finish_fours(finish_args args) {
  sks_let_next_start();
  sks_wait_for_previous();
  bool gated = args.output == SKS_SILU_GATE;
  int64_t channel = (static_cast<int64_t>(blockIdx.x) * THREADS + threadIdx.x) * 4;
  if (channel >= args.channels) return;
  int64_t z_channels = gated ? 2 * args.channels : args.channels;
  float bias[4] = {}, up_bias[4] = {};
  for (int i = 0; args.bias && i < 4; i++) {
    bias[i] = args.bias[channel + i];
    if (gated) up_bias[i] = args.bias[args.channels + channel + i];
  }
  for (int64_t row = blockIdx.y; row < args.rows; row += gridDim.y) {
    const float *z = args.z + row * z_channels + channel;
    float *y = args.y + row * args.channels + channel;
    float4 found = *reinterpret_cast<const float4 *>(z), other = {}, done;
    if (gated) other = *reinterpret_cast<const float4 *>(z + args.channels);
    if (args.output == SKS_ADD) other = *reinterpret_cast<const float4 *>(y);
    const float values[4] = {found.x, found.y, found.z, found.w};
    const float others[4] = {other.x, other.y, other.z, other.w};
    float results[4];
#pragma unroll
    for (int i = 0; i < 4; i++)
      results[i] = gated ? sks_silu(values[i] + bias[i]) * (others[i] + up_bias[i])
                         : sks_output_of(args.output, values[i] + bias[i], others + i);
    done = make_float4(results[0], results[1], results[2], results[3]);
    *reinterpret_cast<float4 *>(y) = done;
  }
}

}  // namespace

cudaError_t sks_cuda_prepare(cudaStream_t stream, const sks_norm *norm, const float *x,
                             int32_t rows, int64_t columns, int32_t type, void *target,
                             int64_t target_stride, bool overlap) {
  if (rows == 0) return cudaSuccess;
  prepare_args args = {};
  if (norm) args.norm = *norm;
  if (args.norm.kind != SKS_LAYER_NORM) args.norm.bias = nullptr;
  args.x = x;
  args.columns = columns;
  args.target = target;
  args.stride = target_stride;
  switch (type) {
    case SKS_F32:
      return launch_prepare<SKS_F32>(stream, rows, args, overlap);
    case SKS_F16:
      return launch_prepare<SKS_F16>(stream, rows, args, overlap);
    case SKS_BF16:
      return launch_prepare<SKS_BF16>(stream, rows, args, overlap);
    default:
      return cudaErrorInvalidValue;
  }
}

cudaError_t sks_cuda_finish(cudaStream_t stream, const float *z, const float *bias, int32_t rows,
                            int64_t channels, float *y, int32_t output, bool overlap) {
  if (rows == 0) return cudaSuccess;
  finish_args args = {};
  args.z = z;
  args.bias = bias;
  args.y = y;
  args.rows = rows;
  args.channels = output == SKS_SILU_GATE ? channels / 2 : channels;
  args.output = output;
  if (args.channels % 4 == 0) {
    const int64_t most_blocks = 65535;
    dim3 grid(static_cast<unsigned>((args.channels / 4 + THREADS - 1) / THREADS),
              static_cast<unsigned>(rows < most_blocks ? rows : most_blocks));
    return sks_launch(finish_fours, grid, THREADS, 0, stream, overlap, args);
  }
  const int64_t enough = 4096;
  int64_t blocks = (args.rows * args.channels + THREADS - 1) / THREADS;
  dim3 grid(static_cast<unsigned>(blocks < enough ? blocks : enough));
  return sks_launch(finish, grid, THREADS, 0, stream, overlap, args);
}
