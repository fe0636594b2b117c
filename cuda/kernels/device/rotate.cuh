// Rotation of one channel of a head, as the reference kernels have it.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_ROTATE_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_ROTATE_CUH

#include "cuda/kernels/cache.h"
#include "sinkstream/attention.h"

// What becomes of channel c: x[c] cos[pair] + sign x[other] sin[pair]; sign 0: it stays.
struct sks_rotation {
  int c, other, pair;
  float sign;

  __device__ sks_rotation(const sks_cuda_attention &attention, int channel) {
    int half = attention.rotary_half;
    bool interleaved = attention.rotary_layout == SKS_ROTARY_INTERLEAVED;
    bool second = interleaved ? channel % 2 : channel >= half;
    int apart = interleaved ? 1 : half;
    c = other = channel;
    pair = 0;
    sign = 0;
    if (channel >= 2 * half) return;
    pair = interleaved ? channel / 2 : second ? channel - half : channel;
    other = second ? channel - apart : channel + apart;
    sign = second ? 1.0f : -1.0f;
  }

  __device__ float turn(float x, float other, float cosine, float sine) const {
    return x * cosine + sign * other * sine;
  }

  // x is the head, `phases` its cosines, then its sines, [half] each.
  __device__ float of(const float *x, const float *phases, int half) const {
    if (sign == 0) return x[c];
    return turn(x[c], x[other], phases[pair], phases[half + pair]);
  }
};

#endif
