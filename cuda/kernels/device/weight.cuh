// What a thread does with the 16 bytes of a weight row that are its own, by type: the columns they
// hold, the input in the form they take (in how many registers), and their product. matrix.h says
// how the bytes lie.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_WEIGHT_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_WEIGHT_CUH

#include "cuda/kernels/device/element.cuh"
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
  template <typename input_numbers>
  __device__ static input take(const input_numbers &numbers, int32_t column) {
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
  template <typename input_numbers>
  __device__ static input take(const input_numbers &numbers, int32_t column) {
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
