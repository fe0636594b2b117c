// What a thread does with the 16 bytes of a weight row that are its own, by type: the columns they
// hold, the input in the form they take (in how many registers), and their product. matrix.h says
// how the bytes lie.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_WEIGHT_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_WEIGHT_CUH

#include "cuda/kernels/device/element.cuh"
#include "cuda/kernels/device/reduce.cuh"
#include "cuda/kernels/matrix.h"

// Weights that are float numbers once `weight` has widened them.
template <typename weight, int columns>
struct sks_weight_float {
  enum { COLUMNS = columns, REGISTERS = columns, SCALED = 0 };
  struct input {
    float x[COLUMNS];
  };
  __device__ static input take(const float (&x)[COLUMNS]) {
    input in;
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) in.x[i] = x[i];
    return in;
  }
  __device__ static float add(float sum, uint4 w, const input &in, float scale) {
    float x[COLUMNS];
    weight::widen(w, scale, x);
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) sum = fmaf(x[i], in.x[i], sum);
    return sum;
  }
};

struct sks_weight_f32 : sks_weight_float<sks_weight_f32, 4> {
  __device__ static void widen(uint4 w, float, float (&x)[COLUMNS]) {
    x[0] = __uint_as_float(w.x);
    x[1] = __uint_as_float(w.y);
    x[2] = __uint_as_float(w.z);
    x[3] = __uint_as_float(w.w);
  }
};

template <float2 widen_2(uint32_t)>
struct sks_weight_16 : sks_weight_float<sks_weight_16<widen_2>, 8> {
  __device__ static void widen(uint4 w, float, float (&x)[8]) {
    const uint32_t words[4] = {w.x, w.y, w.z, w.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
      float2 pair = widen_2(words[i]);
      x[2 * i] = pair.x;
      x[2 * i + 1] = pair.y;
    }
  }
};

using sks_weight_f16 = sks_weight_16<sks_widen_2_f16>;
using sks_weight_bf16 = sks_weight_16<sks_widen_2_bf16>;

// An input row as whole numbers of 16 bits, in shared memory, with a scale for each 32 columns: as
// precise as the two digits of sks_input_block (core/panel.h), which the CPU multiplies.
struct sks_input_numbers {
  enum { MOST = 32767, COLUMNS = 8 };  // of a number; of 16 bytes
  uint4 *columns;                      // [columns / 8]
  float *scales;                       // [columns / 32]
  float *squares;  // [columns / 32]: sums over the block of what the row was before its norm

  __host__ __device__ sks_input_numbers(char *shared, int32_t row_columns) {
    columns = reinterpret_cast<uint4 *>(shared);
    scales = reinterpret_cast<float *>(columns + row_columns / COLUMNS);
    squares = scales + row_columns / 32;
  }
  __host__ __device__ static int32_t bytes(int32_t row_columns) { return row_columns / 4 * 9; }

  // Where columns `column` .. + 7 lie: threads that read every other eight, or every fourth, meet
  // no bank twice.
  __device__ uint4 *at(int32_t column) const {
    int32_t i = column / COLUMNS;
    return columns + (i ^ (i >> 3 & 3));
  }

  // The same columns of a row that has `row_columns`; the four lanes of a block all call.
  __device__ void put(const float (&x)[COLUMNS], float square, int32_t column,
                      int32_t row_columns) const {
    // A NaN is the largest.
    float largest = 0;
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) largest = sks_larger(largest, x[i]);
#pragma unroll
    for (int apart = 2; apart > 0; apart /= 2) {
      largest = sks_larger(largest, __shfl_xor_sync(~0u, largest, apart));
      square += __shfl_xor_sync(~0u, square, apart);
    }
    if (column >= row_columns) return;
    // Smaller than this, MOST over it would overflow: taken for zero.
    bool nothing = largest < 0x1p-110f;
    float factor = nothing ? 0.0f : MOST * sks_reciprocal(largest);
    // 1.5 2^23 + n has n in its lowest bits: no conversion, which is slow.
    uint32_t numbers[COLUMNS];
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) numbers[i] = __float_as_uint(fmaf(x[i], factor, 12582912.0f));
    *at(column) =
        make_uint4(sks_low_halves(numbers[0], numbers[1]), sks_low_halves(numbers[2], numbers[3]),
                   sks_low_halves(numbers[4], numbers[5]), sks_low_halves(numbers[6], numbers[7]));
    if (column % 32 != 0) return;
    bool poisoned = !(largest < INFINITY);
    scales[column / 32] = poisoned ? __uint_as_float(0x7fffffffu) : largest * (1.0f / MOST);
    squares[column / 32] = square;
  }

  // Pairs of columns from `column` on, a multiple of eight.
  template <int pairs>
  __device__ void take(int32_t column, int (&x)[pairs]) const {
#pragma unroll
    for (int i = 0; i < pairs; i += 4) {
      uint4 four = *at(column + 2 * i);
      x[i] = static_cast<int>(four.x);
      x[i + 1] = static_cast<int>(four.y);
      x[i + 2] = static_cast<int>(four.z);
      x[i + 3] = static_cast<int>(four.w);
    }
  }
};

// sum + the products of four bytes and of two pairs of 16 bits.
__device__ static inline int sks_dot(uint32_t bytes, int first, int second, int sum) {
  sum = __dp2a_lo(first, static_cast<int>(bytes), sum);
  return __dp2a_hi(second, static_cast<int>(bytes), sum);
}

// Signed bytes.
template <int32_t type>
struct sks_weight_bytes {
  enum { TYPE = type, COLUMNS = 16, REGISTERS = 9, SCALED = 1 };
  struct input {
    int x[8];
    float scale;
  };
  __device__ static void widen(uint4 w, float scale, float (&x)[COLUMNS]) {
    const uint32_t words[4] = {w.x, w.y, w.z, w.w};
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) x[i] = scale * sks_signed_byte(words[i / 4], i % 4);
  }
  __device__ static input take(const sks_input_numbers &numbers, int32_t column) {
    input in;
    numbers.take(column, in.x);
    in.scale = numbers.scales[column / 32];
    return in;
  }
  __device__ static float add(float sum, uint4 w, const input &in, float scale) {
    const uint32_t words[4] = {w.x, w.y, w.z, w.w};
    int whole = 0;
#pragma unroll
    for (int i = 0; i < 4; i++) whole = sks_dot(words[i], in.x[2 * i], in.x[2 * i + 1], whole);
    return fmaf(scale * in.scale, static_cast<float>(whole), sum);
  }
};

using sks_weight_q8_0 = sks_weight_bytes<SKS_Q8_0>;
using sks_weight_q6_k = sks_weight_bytes<SKS_Q6_K>;

struct sks_weight_q4_0 {
  enum { TYPE = SKS_Q4_0, COLUMNS = 32, REGISTERS = 18, SCALED = 1 };
  struct input {
    int x[16];
    int offset;  // -8 times the sum of the block: nibbles count from -8
    float scale;
  };
  __device__ static void widen(uint4 w, float scale, float (&x)[COLUMNS]) {
    const uint32_t words[4] = {w.x, w.y, w.z, w.w};
#pragma unroll
    for (int i = 0; i < COLUMNS / 2; i++) {
      uint32_t byte = words[i / 4] >> i % 4 * 8 & 255;
      x[i] = scale * (static_cast<float>(byte & 15) - 8.0f);
      x[i + COLUMNS / 2] = scale * (static_cast<float>(byte >> 4) - 8.0f);
    }
  }
  __device__ static input take(const sks_input_numbers &numbers, int32_t column) {
    input in;
    numbers.take(column, in.x);
    int sum = 0;
#pragma unroll
    for (int i = 0; i < 16; i += 2) sum = sks_dot(0x01010101, in.x[i], in.x[i + 1], sum);
    in.offset = -8 * sum;
    in.scale = numbers.scales[column / 32];
    return in;
  }
  __device__ static float add(float sum, uint4 w, const input &in, float scale) {
    const uint32_t words[4] = {w.x, w.y, w.z, w.w};
    int whole = in.offset;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      whole = sks_dot(words[i] & 0x0f0f0f0f, in.x[2 * i], in.x[2 * i + 1], whole);
      whole = sks_dot(words[i] >> 4 & 0x0f0f0f0f, in.x[2 * i + 8], in.x[2 * i + 9], whole);
    }
    return fmaf(scale * in.scale, static_cast<float>(whole), sum);
  }
};

// 16 bytes of a row of a matrix, as numbers: those from column `item` * COLUMNS on.
template <typename weight>
__device__ static inline void sks_widen_item(const sks_cuda_matrix &matrix, int64_t row,
                                             int64_t item, float (&x)[weight::COLUMNS]) {
  const char *at = static_cast<const char *>(matrix.elements) +
                   row * sks_cuda_pitch(matrix.type, matrix.columns);
  float scale = 0;
  if constexpr (weight::SCALED) {
    int64_t block = item * weight::COLUMNS / sks_cuda_scale_columns(weight::TYPE);
    scale = sks_widen_half(static_cast<const uint16_t *>(
        matrix.scales)[sks_cuda_scale_at(weight::TYPE, matrix.columns, row, block)]);
  }
  weight::widen(reinterpret_cast<const uint4 *>(at)[item], scale, x);
}

#endif
