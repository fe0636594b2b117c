// What a thread does with the 16 bytes of a weight row that are its own, by type: the columns they
// hold, the input in the form they take (in how many registers), and their product. matrix.h says
// how the bytes lie.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_WEIGHT_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_WEIGHT_CUH

#include "core/panel.h"
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

// An input row in two digits (sks_input_block), in shared memory: four columns a word.
struct sks_digits {
  uint32_t *high, *low;  // [columns / 4]
  float *scales;         // [columns / 32]
  float *squares;        // [columns / 32]: sums over the block of what the row was before its norm

  __host__ __device__ sks_digits(char *shared, int32_t columns) {
    high = reinterpret_cast<uint32_t *>(shared);
    low = high + columns / 4;
    scales = reinterpret_cast<float *>(low + columns / 4);
    squares = scales + columns / 32;
  }
  __host__ __device__ static int32_t bytes(int32_t columns) { return columns / 4 * 9; }

  // Where word `word` of `high` or `low` lies, four of them side by side: threads that read every
  // other four meet no bank twice.
  __device__ static int32_t place(int32_t word) { return word ^ (word >> 3 & 4); }

  // Columns `column` .. + 3 of a row that has `columns`; the eight lanes of a block all call.
  __device__ void put(const float (&x)[4], float square, int32_t column, int32_t columns) const {
    // Sizes are ordered as their bits are; a NaN or an infinity is the largest and stays.
    uint32_t largest_bits = 0;
#pragma unroll
    for (int i = 0; i < 4; i++) largest_bits = max(largest_bits, __float_as_uint(fabsf(x[i])));
#pragma unroll
    for (int apart = 4; apart > 0; apart /= 2) {
      largest_bits = max(largest_bits, __shfl_xor_sync(~0u, largest_bits, apart));
      square += __shfl_xor_sync(~0u, square, apart);
    }
    if (column >= columns) return;
    float largest = __uint_as_float(largest_bits);
    // Smaller than this, 127 over it would overflow: taken for zero.
    bool nothing = largest < 0x1p-118f;
    float factor = nothing ? 0.0f : SKS_INPUT_DIGIT * sks_reciprocal(largest);
    // 1.5 2^23 + n has n in its lowest bits: no conversion, which is slow.
    constexpr float shift = 12582912.0f;
    uint32_t highs[4], lows[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      float first = fmaf(x[i], factor, shift);
      float rest = fmaf(x[i], factor, shift - first) * SKS_INPUT_BASE;
      // Half a base would not fit its byte.
      rest = fminf(fmaxf(rest, -SKS_INPUT_DIGIT), SKS_INPUT_DIGIT);
      highs[i] = __float_as_uint(first);
      lows[i] = __float_as_uint(rest + shift);
    }
    high[place(column / 4)] = sks_low_bytes(highs);
    low[place(column / 4)] = sks_low_bytes(lows);
    if (column % 32 != 0) return;
    bool poisoned = largest_bits >= 0x7f800000u;
    scales[column / 32] = poisoned  ? __uint_as_float(0x7fffffffu)
                          : nothing ? 0.0f
                                    : largest * (1.0f / (SKS_INPUT_DIGIT * SKS_INPUT_BASE));
    squares[column / 32] = square;
  }
};

struct sks_weight_q8_0 {
  enum { COLUMNS = 16, REGISTERS = 9, SCALED = 1 };
  struct input {
    int high[4], low[4];
    float scale;
  };
  __device__ static void widen(uint4 w, float scale, float (&x)[COLUMNS]) {
    const uint32_t words[4] = {w.x, w.y, w.z, w.w};
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) x[i] = scale * sks_signed_byte(words[i / 4], i % 4);
  }
  __device__ static input take(const sks_digits &digits, int32_t column) {
    int32_t at = digits.place(column / 4);
    int4 high = *reinterpret_cast<const int4 *>(digits.high + at);
    int4 low = *reinterpret_cast<const int4 *>(digits.low + at);
    return {
        {high.x, high.y, high.z, high.w}, {low.x, low.y, low.z, low.w}, digits.scales[column / 32]};
  }
  __device__ static float add(float sum, uint4 w, const input &in, float scale) {
    const uint32_t words[4] = {w.x, w.y, w.z, w.w};
    int high = 0, low = 0;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      high = __dp4a(static_cast<int>(words[i]), in.high[i], high);
      low = __dp4a(static_cast<int>(words[i]), in.low[i], low);
    }
    return fmaf(scale * in.scale, static_cast<float>(SKS_INPUT_BASE * high + low), sum);
  }
};

struct sks_weight_q4_0 {
  enum { COLUMNS = 32, REGISTERS = 18, SCALED = 1 };
  struct input {
    int high[8], low[8];
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
  __device__ static input take(const sks_digits &digits, int32_t column) {
    input in;
    // In sixteens of bytes: words that lie 32 bytes apart would meet few banks.
#pragma unroll
    for (int i = 0; i < 8; i += 4) {
      int32_t at = digits.place(column / 4 + i);
      int4 high = *reinterpret_cast<const int4 *>(digits.high + at);
      int4 low = *reinterpret_cast<const int4 *>(digits.low + at);
      in.high[i] = high.x, in.high[i + 1] = high.y, in.high[i + 2] = high.z,
      in.high[i + 3] = high.w;
      in.low[i] = low.x, in.low[i + 1] = low.y, in.low[i + 2] = low.z, in.low[i + 3] = low.w;
    }
    int high = 0, low = 0;
#pragma unroll
    for (int i = 0; i < 8; i++) {
      high = __dp4a(0x01010101, in.high[i], high);
      low = __dp4a(0x01010101, in.low[i], low);
    }
    in.offset = -8 * (SKS_INPUT_BASE * high + low);
    in.scale = digits.scales[column / 32];
    return in;
  }
  __device__ static float add(float sum, uint4 w, const input &in, float scale) {
    const uint32_t words[4] = {w.x, w.y, w.z, w.w};
    int high = 0, low = in.offset;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      int first = static_cast<int>(words[i] & 0x0f0f0f0f);
      int second = static_cast<int>(words[i] >> 4 & 0x0f0f0f0f);
      high = __dp4a(first, in.high[i], high);
      low = __dp4a(first, in.low[i], low);
      high = __dp4a(second, in.high[4 + i], high);
      low = __dp4a(second, in.low[4 + i], low);
    }
    return fmaf(scale * in.scale, static_cast<float>(SKS_INPUT_BASE * high + low), sum);
  }
};

// 16 bytes of a row of a matrix, as numbers: those from column `item` * COLUMNS on.
template <typename weight>
__device__ static inline void sks_widen_item(const sks_cuda_matrix &matrix, int64_t row,
                                             int64_t item, float (&x)[weight::COLUMNS]) {
  const char *at = static_cast<const char *>(matrix.elements) +
                   row * sks_cuda_pitch(matrix.type, matrix.columns);
  float scale = 0;
  if (weight::SCALED) {
    int64_t block = item * weight::COLUMNS / 32;
    scale = sks_widen_half(static_cast<const uint16_t *>(
        matrix.scales)[sks_cuda_scale_at(matrix.type, matrix.columns, row, block)]);
  }
  weight::widen(reinterpret_cast<const uint4 *>(at)[item], scale, x);
}

#endif
