// What becomes of the sums of a batch's linear layer: four channels of a row at a time where rows
// consist of fours and the output is a simple one, else one.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_BATCH_OUTPUT_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_BATCH_OUTPUT_CUH

#include "cuda/kernels/device/activation.cuh"
#include "cuda/kernels/device/round.cuh"

// `type`: of `rounded`. Compute capability 9.0.
template <int type>
struct sks_batch_output {
  const float *bias;  // [channels], with SKS_SILU_GATE twice as many, or NULL
  float *y;           // [rows, channels]
  uint16_t *rounded;  // [rows, rounded_stride]: y once more, or NULL
  int64_t rounded_stride;
  int32_t rows, channels;
  int32_t output;

  __host__ __device__ bool is_gated() const { return output == SKS_SILU_GATE; }
  __device__ bool by_fours() const {
    return channels % 4 == 0 && (is_gated() || output == SKS_STORE || output == SKS_ADD);
  }
  __device__ int64_t at(int row, int32_t channel) const {
    return static_cast<int64_t>(row) * channels + channel;
  }

  // The channel's sum is z, with a gate that of `up` besides.
  template <bool gated>
  __device__ void finish_one(int row, int32_t channel, float z, float up) const {
    if (channel >= channels) return;
    if (bias) z += bias[channel];
    if (bias && gated) up += bias[channels + channel];
    const float result = gated ? sks_silu(z) * up : sks_output_of(output, z, y + at(row, channel));
    y[at(row, channel)] = result;
    if (rounded) rounded[row * rounded_stride + channel] = sks_round_to<type>(result);
  }

  template <bool gated>
  __device__ void finish_four(int row, int32_t channel, float4 z, float4 up) const {
    if (channel >= channels) return;
    if (bias) {
      z = sks_add_fours(z, *reinterpret_cast<const float4 *>(bias + channel));
      if (gated)
        up = sks_add_fours(up, *reinterpret_cast<const float4 *>(bias + channels + channel));
    }
    float4 *to = reinterpret_cast<float4 *>(y + at(row, channel));
    if (!gated && output == SKS_ADD) {
      atomicAdd(to, z);  // nobody else adds to it; so nobody waits for what is there
      return;
    }
    if (gated)
      z = make_float4(sks_silu(z.x) * up.x, sks_silu(z.y) * up.y, sks_silu(z.z) * up.z,
                      sks_silu(z.w) * up.w);
    *to = z;
    if (rounded)
      *reinterpret_cast<ushort4 *>(rounded + row * rounded_stride + channel) =
          sks_round_four<type>(z);
  }
};

#endif
