// The input of quantised weights as whole numbers of 16 bits, with a scale for each 32 columns.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_INPUT_NUMBERS_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_INPUT_NUMBERS_CUH

#include "cuda/kernels/device/element.cuh"
#include "cuda/kernels/device/reduce.cuh"
#include "cuda/kernels/rounded.h"

// How the largest of 32 columns, NaN if one is, makes whole numbers of 16 bits of them: as precise
// as the two digits of sks_input_block (core/panel.h), which the CPU multiplies.
struct sks_number_scale {
  enum { MOST = 32767 };
  float factor, scale;
  __device__ explicit sks_number_scale(float largest) {
    // Smaller than this, MOST over it would overflow: taken for zero.
    bool nothing = largest < 0x1p-110f, poisoned = !(largest < INFINITY);
    float share = largest * (1.0f / MOST);
    factor = nothing ? 0.0f : sks_reciprocal(share);
    scale = poisoned ? __uint_as_float(0x7fffffffu) : share;
  }
  // In the lowest 16 bits: 1.5 2^23 + n has n there, with no conversion, which is slow.
  __device__ uint32_t number(float x) const {
    return __float_as_uint(fmaf(x, factor, 12582912.0f));
  }
};

// Pairs of numbers out of pieces of eight.
template <int pairs, typename function>
__device__ static inline void sks_take_pairs(int (&x)[pairs], const function &piece) {
#pragma unroll
  for (int i = 0; i < pairs; i += 4) {
    uint4 four = piece(i / 4);
    x[i] = static_cast<int>(four.x);
    x[i + 1] = static_cast<int>(four.y);
    x[i + 2] = static_cast<int>(four.z);
    x[i + 3] = static_cast<int>(four.w);
  }
}

// An input row as such numbers in shared memory.
struct sks_input_numbers {
  enum { COLUMNS = 8 };  // of 16 bytes
  uint4 *columns;        // [columns / 8]
  float *scales;         // [columns / 32]
  float *squares;        // [square_count]: of what the row was before its norm, sums by warps

  __host__ __device__ sks_input_numbers(char *shared, int32_t row_columns) {
    columns = reinterpret_cast<uint4 *>(shared);
    scales = reinterpret_cast<float *>(columns + row_columns / COLUMNS);
    squares = scales + row_columns / 32;
  }
  __host__ __device__ static int32_t square_count(int32_t row_columns) {
    return (row_columns + COLUMNS * SKS_WARP - 1) / (COLUMNS * SKS_WARP);
  }
  __host__ __device__ static int32_t bytes(int32_t row_columns) {
    return row_columns / COLUMNS * 16 + (row_columns / 32 + square_count(row_columns)) * 4;
  }

  // Where columns `column` .. + 7 lie: threads that read every other eight, or every fourth, meet
  // no bank twice.
  __device__ uint4 *at(int32_t column) const {
    int32_t i = column / COLUMNS;
    return columns + (i ^ (i >> 3 & 3));
  }

  // By a warp, each lane with the same columns of a row that has `row_columns`; those past its end
  // do not count.
  __device__ void put(const float (&x)[COLUMNS], float square, int32_t column,
                      int32_t row_columns) const {
    // A NaN is the largest.
    float largest = 0;
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) largest = sks_larger(largest, x[i]);
#pragma unroll
    for (int apart = 2; apart > 0; apart /= 2)
      largest = sks_larger(largest, __shfl_xor_sync(~0u, largest, apart));
    square = sks_warp_sum(column < row_columns ? square : 0.0f);
    if (column >= row_columns) return;
    const sks_number_scale its(largest);
    uint32_t numbers[COLUMNS];
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) numbers[i] = its.number(x[i]);
    *at(column) =
        make_uint4(sks_low_halves(numbers[0], numbers[1]), sks_low_halves(numbers[2], numbers[3]),
                   sks_low_halves(numbers[4], numbers[5]), sks_low_halves(numbers[6], numbers[7]));
    if (column % 32 == 0) scales[column / 32] = its.scale;
    if (column % (COLUMNS * SKS_WARP) == 0) squares[column / (COLUMNS * SKS_WARP)] = square;
  }

  // Pairs of columns from `column` on, a multiple of eight.
  template <int pairs>
  __device__ void take(int32_t column, int (&x)[pairs]) const {
    sks_take_pairs(x, [&](int piece) { return *at(column + 8 * piece); });
  }
};

// A row as a kernel has left it (SKS_CUDA_NUMBERS, rounded.h).
struct sks_left_numbers {
  const uint4 *pieces;  // [4, blocks]
  const float *scales;  // [blocks]
  int32_t blocks;       // of 32 columns

  __device__ sks_left_numbers(const sks_cuda_rounded &left, int64_t row, int32_t columns)
      : pieces(reinterpret_cast<const uint4 *>(static_cast<const uint16_t *>(left.rows) +
                                               row * left.stride)),
        scales(reinterpret_cast<const float *>(pieces + columns / 8)),
        blocks(columns / 32) {}

  // As sks_input_numbers.
  template <int pairs>
  __device__ void take(int32_t column, int (&x)[pairs]) const {
    sks_take_pairs(
        x, [&](int piece) { return pieces[(column % 32 / 8 + piece) * blocks + column / 32]; });
  }
};

// By a warp whose lanes have the 32 columns of a block.
__device__ static inline void sks_leave_number(const sks_cuda_rounded &left, int64_t row,
                                               int32_t columns, int32_t column, float x) {
  float largest = fabsf(x);
#pragma unroll
  for (int apart = SKS_WARP / 2; apart > 0; apart /= 2)
    largest = sks_larger(largest, __shfl_xor_sync(~0u, largest, apart));
  const sks_number_scale its(largest);
  uint16_t *numbers = static_cast<uint16_t *>(left.rows) + row * left.stride;
  numbers[sks_cuda_number_at(columns, column)] = static_cast<uint16_t>(its.number(x));
  if (column % 32 == 0) reinterpret_cast<float *>(numbers + columns)[column / 32] = its.scale;
}

#endif
