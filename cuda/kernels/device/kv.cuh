// Keys and values in device memory, by type: rows as they are stored, channel by channel.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_KV_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_KV_CUH

#include "cuda/kernels/cache.h"
#include "cuda/kernels/device/element.cuh"
#include "cuda/kernels/device/reduce.cuh"

struct sks_kv_f32 {
  enum { TYPE = SKS_F32, SCALED = 0 };
};
struct sks_kv_f16 {
  enum { TYPE = SKS_F16, SCALED = 0 };
};
struct sks_kv_bf16 {
  enum { TYPE = SKS_BF16, SCALED = 0 };
};
struct sks_kv_q8_0 {
  enum { TYPE = SKS_Q8_0, SCALED = 1 };
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
