// Weights from the order of files to that of a matrix, and rows of a matrix expanded for a library.
#include "core/blocks.h"
#include "cuda/kernels/device/launch.cuh"
#include "cuda/kernels/device/weight.cuh"
#include "cuda/kernels/pack.h"

namespace {

enum { THREADS = 256, FLOATS_AT_ONCE = 8 };

unsigned blocks_for(int64_t items) {
  return static_cast<unsigned>((items + THREADS - 1) / THREADS);
}

__device__ int64_t item_of_thread() {
  return static_cast<int64_t>(blockIdx.x) * THREADS + threadIdx.x;
}

// Rows as files hold them become rows of a matrix of the same type; byte by byte, as sources lie at
// any alignment.
struct copy_args {
  const uint8_t *source;
  int64_t source_bytes;  // of a row
  int64_t first_row, rows;
  sks_cuda_matrix matrix;
  char *elements;
  uint16_t *scales;
};

// Floats and Q4_0, whose bytes stay what they are: 16 of them a thread.
__global__ void copy_rows(copy_args args) {
  const sks_cuda_matrix &matrix = args.matrix;
  int64_t pitch = sks_cuda_pitch(matrix.type, matrix.columns), items = pitch / 16;
  int64_t i = item_of_thread();
  if (i >= args.rows * items) return;
  int64_t r = i / items, item = i % items, row = args.first_row + r;
  const uint8_t *source = args.source + r * args.source_bytes;
  union {
    uint8_t bytes[16];
    uint4 vector;
  } piece;
  bool scaled = matrix.type == SKS_Q4_0;
  int64_t at = scaled ? item * 18 + 2 : item * 16;
  for (int b = 0; b < 16; b++) piece.bytes[b] = at + b < args.source_bytes ? source[at + b] : 0;
  *reinterpret_cast<uint4 *>(args.elements + row * pitch + item * 16) = piece.vector;
  if (!scaled) return;
  args.scales[sks_cuda_scale_at(matrix.type, matrix.columns, row, item)] =
      sks_raw_half(source + at - 2);
}

// Types whose elements become signed bytes: a block a thread.
template <int32_t type>
__global__ void split_rows(copy_args args) {
  const sks_cuda_matrix &matrix = args.matrix;
  const int values = sks_block_of(type).values, sub = sks_sub_block(type);
  int64_t blocks = matrix.columns / values, i = item_of_thread();
  if (i >= args.rows * blocks) return;
  int64_t r = i / blocks, block = i % blocks, row = args.first_row + r;
  sks_raw_block raw;
  sks_split_block(type, args.source + r * args.source_bytes + block * sks_block_of(type).bytes,
                  &raw);
  char *to = args.elements + row * sks_cuda_pitch(type, matrix.columns) + block * values;
  for (int v = 0; v < values; v += 4) {
    uint32_t four = 0;
    for (int k = 3; k >= 0; k--)
      four = four << 8 | static_cast<uint8_t>(raw.q[v + k] - sks_zero_point(type));
    *reinterpret_cast<uint32_t *>(to + v) = four;
  }
  float d = sks_widen_half(raw.d);
  for (int s = 0; s < values / sub; s++)
    args.scales[sks_cuda_scale_at(type, matrix.columns, row, block * (values / sub) + s)] =
        sks_narrow_half(d * static_cast<float>(raw.scales[s]));
}

template <int32_t type>
cudaError_t launch_split(cudaStream_t stream, const copy_args &args) {
  int64_t items = args.rows * (args.matrix.columns / sks_block_of(type).values);
  return sks_launch(split_rows<type>, dim3(blocks_for(items)), THREADS, 0, stream, false, args);
}

// Rows of any type widened to F32 or F16: a block of the type, or eight floats, a thread.
struct widen_args {
  const uint8_t *source;
  int32_t type;
  int64_t source_bytes;  // of a row
  int64_t rows, columns;
  int32_t target_type;
  char *target;
  int64_t target_pitch;  // bytes; zero behind the columns
};

__device__ float float_at(const uint8_t *source, int32_t type, int64_t i) {
  uint32_t bits = 0;
  if (type == SKS_F32) {
    for (int b = 3; b >= 0; b--) bits = bits << 8 | source[4 * i + b];
    return __uint_as_float(bits);
  }
  uint16_t half = sks_raw_half(source + 2 * i);
  return type == SKS_F16 ? sks_widen_half(half)
                         : __uint_as_float(static_cast<uint32_t>(half) << 16);
}

__device__ void put(const widen_args &args, int64_t row, int64_t column, float x) {
  char *to = args.target + row * args.target_pitch;
  if (args.target_type == SKS_F32)
    reinterpret_cast<float *>(to)[column] = x;
  else
    reinterpret_cast<uint16_t *>(to)[column] = sks_narrow_half(x);
}

__global__ void widen_rows(widen_args args) {
  bool floats = args.type < SKS_Q8_0;
  int64_t values = floats ? FLOATS_AT_ONCE : sks_block_of(args.type).values;
  int64_t blocks = (args.columns + values - 1) / values, i = item_of_thread();
  if (i >= args.rows * blocks) return;
  int64_t row = i / blocks, block = i % blocks, first = block * values;
  const uint8_t *source = args.source + row * args.source_bytes;
  if (floats) {
    for (int64_t c = first; c < first + values && c < args.columns; c++)
      put(args, row, c, float_at(source, args.type, c));
  } else {
    sks_raw_block raw;
    sks_split_block(args.type, source + block * sks_block_of(args.type).bytes, &raw);
    int sub = sks_sub_block(args.type), zero = sks_zero_point(args.type);
    float d = sks_widen_half(raw.d), dmin = sks_widen_half(raw.dmin);
    for (int v = 0; v < values; v++) {
      // Step by step as the reference has it: no fused multiplication, so that bits are the same.
      float scaled = __fmul_rn(__fmul_rn(d, static_cast<float>(raw.scales[v / sub])),
                               static_cast<float>(raw.q[v] - zero));
      float less = __fmul_rn(dmin, static_cast<float>(raw.minima[v / sub]));
      put(args, row, first + v, less == 0.0f ? scaled : __fsub_rn(scaled, less));
    }
  }
  if (block < blocks - 1) return;
  int64_t padded = args.target_pitch / (args.target_type == SKS_F32 ? 4 : 2);
  for (int64_t c = args.columns; c < padded; c++) put(args, row, c, 0.0f);
}

cudaError_t launch_widen(cudaStream_t stream, const widen_args &args) {
  int64_t values = args.type < SKS_Q8_0 ? FLOATS_AT_ONCE : sks_block_of(args.type).values;
  int64_t items = args.rows * ((args.columns + values - 1) / values);
  if (items == 0) return cudaSuccess;
  return sks_launch(widen_rows, dim3(blocks_for(items)), THREADS, 0, stream, false, args);
}

// Matrix rows as f16 or bf16, for products of many rows: 16 bytes of the matrix a thread.
struct expand_args {
  sks_cuda_matrix matrix;
  int64_t first_row, rows;
  uint16_t *target;
  int64_t stride;
};

template <int type>
__device__ uint32_t narrow_two(float first, float second) {
  if constexpr (type == SKS_F16)
    return sks_narrow_half(first) | static_cast<uint32_t>(sks_narrow_half(second)) << 16;
  return sks_narrow_bfloat(first) | static_cast<uint32_t>(sks_narrow_bfloat(second)) << 16;
}

template <typename weight, int target_type>
__global__ void expand(expand_args args) {
  int64_t items = sks_cuda_pitch(args.matrix.type, args.matrix.columns) / 16, i = item_of_thread();
  if (i >= args.rows * items) return;
  int64_t row = i / items, item = i % items, column = item * weight::COLUMNS;
  float x[weight::COLUMNS];
  sks_widen_item<weight>(args.matrix, args.first_row + row, item, x);
  uint32_t twos[weight::COLUMNS / 2];
#pragma unroll
  for (int c = 0; c < weight::COLUMNS; c += 2)
    twos[c / 2] = narrow_two<target_type>(x[c], x[c + 1]);
  uint16_t *to = args.target + row * args.stride + column;
  if (weight::COLUMNS % 8 == 0 && args.stride % 8 == 0) {
#pragma unroll
    for (int c = 0; c < weight::COLUMNS; c += 8)
      if (column + c < args.stride)
        *reinterpret_cast<uint4 *>(to + c) =
            make_uint4(twos[c / 2], twos[c / 2 + 1], twos[c / 2 + 2], twos[c / 2 + 3]);
    return;
  }
#pragma unroll
  for (int c = 0; c < weight::COLUMNS; c++)
    if (column + c < args.stride) to[c] = static_cast<uint16_t>(twos[c / 2] >> c % 2 * 16);
}

template <typename weight>
cudaError_t launch_expand(cudaStream_t stream, const expand_args &args, int32_t target_type) {
  int64_t items = args.rows * (sks_cuda_pitch(args.matrix.type, args.matrix.columns) / 16);
  return sks_launch(target_type == SKS_F16 ? expand<weight, SKS_F16> : expand<weight, SKS_BF16>,
                    dim3(blocks_for(items)), THREADS, 0, stream, false, args);
}

}  // namespace

cudaError_t sks_cuda_pack(cudaStream_t stream, const void *source, int32_t type, int64_t first_row,
                          int64_t rows, const sks_cuda_matrix *matrix) {
  if (rows == 0) return cudaSuccess;
  int64_t pitch = sks_cuda_pitch(matrix->type, matrix->columns);
  char *elements = const_cast<char *>(static_cast<const char *>(matrix->elements));
  if (type == matrix->type) {
    copy_args args = {};
    args.source = static_cast<const uint8_t *>(source);
    args.source_bytes = sks_bytes_of(type, matrix->columns);
    args.first_row = first_row;
    args.rows = rows;
    args.matrix = *matrix;
    args.elements = elements;
    args.scales = const_cast<uint16_t *>(static_cast<const uint16_t *>(matrix->scales));
    if (type == SKS_Q8_0) return launch_split<SKS_Q8_0>(stream, args);
    if (type == SKS_Q6_K) return launch_split<SKS_Q6_K>(stream, args);
    return sks_launch(copy_rows, dim3(blocks_for(rows * (pitch / 16))), THREADS, 0, stream, false,
                      args);
  }
  if (matrix->type != SKS_F16 && matrix->type != SKS_F32) return cudaErrorInvalidValue;
  widen_args args = {};
  args.source = static_cast<const uint8_t *>(source);
  args.type = type;
  args.source_bytes = sks_bytes_of(type, matrix->columns);
  args.rows = rows;
  args.columns = matrix->columns;
  args.target_type = matrix->type;
  args.target = elements + first_row * pitch;
  args.target_pitch = pitch;
  return launch_widen(stream, args);
}

cudaError_t sks_cuda_expand(cudaStream_t stream, const sks_cuda_matrix *matrix, int64_t first_row,
                            int64_t rows, int32_t target_type, void *target,
                            int64_t target_stride) {
  if (rows == 0) return cudaSuccess;
  if (target_type != SKS_F16 && target_type != SKS_BF16) return cudaErrorInvalidValue;
  expand_args args = {};
  args.matrix = *matrix;
  args.first_row = first_row;
  args.rows = rows;
  args.target = static_cast<uint16_t *>(target);
  args.stride = target_stride;
  switch (matrix->type) {
    case SKS_F32:
      return launch_expand<sks_weight_f32>(stream, args, target_type);
    case SKS_F16:
      return launch_expand<sks_weight_f16>(stream, args, target_type);
    case SKS_BF16:
      return launch_expand<sks_weight_bf16>(stream, args, target_type);
    case SKS_Q8_0:
      return launch_expand<sks_weight_q8_0>(stream, args, target_type);
    case SKS_Q4_0:
      return launch_expand<sks_weight_q4_0>(stream, args, target_type);
    case SKS_Q6_K:
      return launch_expand<sks_weight_q6_k>(stream, args, target_type);
    default:
      return cudaErrorInvalidValue;
  }
}
