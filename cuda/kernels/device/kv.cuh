// Keys and values in device memory, by type: 16 bytes of a row at a time, and rows as they are
// stored.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_KV_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_KV_CUH

#include "cuda/kernels/cache.h"
#include "cuda/kernels/device/element.cuh"
#include "cuda/kernels/device/reduce.cuh"

// 16 bytes of a row widen to CHANNELS numbers, which a row's scale multiplies where there is one.
struct sks_kv_f32 {
  enum { TYPE = SKS_F32, CHANNELS = 4, SCALED = 0 };
  __device__ static void widen(uint4 v, float (&x)[CHANNELS]) {
    x[0] = __uint_as_float(v.x);
    x[1] = __uint_as_float(v.y);
    x[2] = __uint_as_float(v.z);
    x[3] = __uint_as_float(v.w);
  }
};

template <int type, float2 widen_2(uint32_t)>
struct sks_kv_16 {
  enum { TYPE = type, CHANNELS = 8, SCALED = 0 };
  __device__ static void widen(uint4 v, float (&x)[CHANNELS]) {
    const uint32_t words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
      float2 pair = widen_2(words[i]);
      x[2 * i] = pair.x;
      x[2 * i + 1] = pair.y;
    }
  }
};

using sks_kv_f16 = sks_kv_16<SKS_F16, sks_widen_2_f16>;
using sks_kv_bf16 = sks_kv_16<SKS_BF16, sks_widen_2_bf16>;

struct sks_kv_q8_0 {
  enum { TYPE = SKS_Q8_0, CHANNELS = 16, SCALED = 1 };
  __device__ static void widen(uint4 v, float (&x)[CHANNELS]) {
    const uint32_t words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
    for (int i = 0; i < CHANNELS; i++) {
      // 2^23 + (byte + 128) has the byte in its lowest bits: no conversion, which is slow.
      uint32_t bits = __byte_perm(words[i / 4] ^ 0x80808080u, 0x4b000000u, 0x7440 + i % 4);
      x[i] = __uint_as_float(bits) - 8388736.0f;
    }
  }
};

// Where the rows of one KV head of a layer lie.
struct sks_kv_head {
  char *keys, *values;
  int pitch;
};

__device__ static inline sks_kv_head sks_kv_head_of(int type, int head_dim, char *base,
                                                    int64_t layer_bytes, int64_t slots, int layer,
                                                    int kv_head) {
  sks_kv_head head;
  head.pitch = static_cast<int>(sks_cuda_row_pitch(type, head_dim));
  head.keys = base + layer * layer_bytes + kv_head * sks_cuda_head_bytes(type, head_dim, slots);
  head.values = head.keys + slots * head.pitch;
  return head;
}

// Of a row of Q8_0: the scale of channel c.
__device__ static inline float sks_scale_of(const char *row, int head_dim, int c) {
  return sks_widen_half(reinterpret_cast<const uint16_t *>(row + head_dim)[c / SKS_SCALE_CHANNELS]);
}

// Channel c of a stored row.
template <typename kv>
__device__ static inline float sks_load_channel(const char *row, int head_dim, int c) {
  if constexpr (kv::TYPE == SKS_F32) return reinterpret_cast<const float *>(row)[c];
  if constexpr (kv::TYPE == SKS_F16)
    return sks_widen_half(reinterpret_cast<const uint16_t *>(row)[c]);
  if constexpr (kv::TYPE == SKS_BF16)
    return __uint_as_float(static_cast<uint32_t>(reinterpret_cast<const uint16_t *>(row)[c]) << 16);
  return static_cast<float>(reinterpret_cast<const int8_t *>(row)[c]) *
         sks_scale_of(row, head_dim, c);
}

// Channel c as the type rounds it, and with Q8_0 the scale of its run, into a row. The lanes of a
// warp have the 32 channels of a run, `valid` those that there are; all of them call. Scales and
// elements of Q8_0 are those of the reference kernel bit for bit (quantize_kv).
template <typename kv>
__device__ static inline void sks_store_channel(float x, int c, bool valid, char *row,
                                                int head_dim) {
  if constexpr (kv::TYPE == SKS_Q8_0) {
    float largest = sks_warp_max(valid ? fabsf(x) : 0.0f);
    float poison = sks_warp_sum(valid ? x * 0.0f : 0.0f);
    uint16_t half = sks_narrow_half(largest / 127.0f + poison);
    float scale = sks_widen_half(half), inverse = scale == 0 ? 0.0f : 1.0f / scale;
    float element = rintf(x * inverse);
    element = element > -127.0f ? element < 127.0f ? element : 127.0f : -127.0f;
    if (valid) reinterpret_cast<int8_t *>(row)[c] = static_cast<int8_t>(element);
    if (valid && c % SKS_SCALE_CHANNELS == 0)
      reinterpret_cast<uint16_t *>(row + head_dim)[c / SKS_SCALE_CHANNELS] = half;
  } else if (valid) {
    if constexpr (kv::TYPE == SKS_F32) reinterpret_cast<float *>(row)[c] = x;
    if constexpr (kv::TYPE == SKS_F16) reinterpret_cast<uint16_t *>(row)[c] = sks_narrow_half(x);
    if constexpr (kv::TYPE == SKS_BF16) reinterpret_cast<uint16_t *>(row)[c] = sks_narrow_bfloat(x);
  }
}

// Channel c from row to row; the first of a run takes the scale along.
template <typename kv>
__device__ static inline void sks_copy_channel(const char *from, int c, char *to, int head_dim) {
  if constexpr (kv::TYPE == SKS_F32)
    reinterpret_cast<float *>(to)[c] = reinterpret_cast<const float *>(from)[c];
  if constexpr (kv::TYPE == SKS_F16 || kv::TYPE == SKS_BF16)
    reinterpret_cast<uint16_t *>(to)[c] = reinterpret_cast<const uint16_t *>(from)[c];
  if constexpr (kv::TYPE == SKS_Q8_0) {
    to[c] = from[c];
    int run = c / SKS_SCALE_CHANNELS;
    if (c % SKS_SCALE_CHANNELS == 0)
      reinterpret_cast<uint16_t *>(to + head_dim)[run] =
          reinterpret_cast<const uint16_t *>(from + head_dim)[run];
  }
}

#endif
