// What a block needs of a row before it meets the row's keys: queries of a KV head, their rotation,
// and the newest key and value.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_ATTEND_INPUT_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_ATTEND_INPUT_CUH

#include "cuda/kernels/device/attend_job.cuh"
#include "cuda/kernels/device/rotate.cuh"

// A thread's share: channels threadIdx.x + n threads.
template <int queries, int most_steps, int threads>
struct sks_attend_input {
  enum { CHANNELS = (most_steps * 16 + threads - 1) / threads };
  float x[CHANNELS][queries], other[CHANNELS][queries];
  float cosine[CHANNELS][2], sine[CHANNELS][2];  // in the stream, and in the cache
  float key[CHANNELS], other_key[CHANNELS], value[CHANNELS];

  // What is older than the launch before: where things lie, and the rotation.
  __device__ void begin(const sks_attend_job &job, int64_t row, int kv_head, int first_query) {
    const int head_dim = job.attention.head_dim, half = job.attention.rotary_half;
    there = job.group - first_query;
    queries_at = job.in.queries + row * job.in.row_stride + kv_head * job.in.group_stride +
                 first_query * head_dim;
    const int64_t newest_at = row * job.rows.row_stride + kv_head * job.rows.head_stride;
    keys_at = job.rows.keys + newest_at;
    values_at = job.rows.values + newest_at;
    const float *phases = job.step.phases + row * 4 * half;
#pragma unroll
    for (int n = 0; n < CHANNELS; n++) {
      const int c = static_cast<int>(threadIdx.x) + n * threads;
      const sks_rotation rotation(job.attention, c);
      const bool rotated = c < head_dim && rotation.sign != 0;
#pragma unroll
      for (int way = 0; way < 2; way++) {
        cosine[n][way] = rotated ? phases[2 * way * half + rotation.pair] : 1.0f;
        sine[n][way] = rotated ? phases[(2 * way + 1) * half + rotation.pair] : 0.0f;
      }
    }
  }

  // The rest, on its way together; the newest key and value if `newest`.
  __device__ void load(const sks_attend_job &job, bool newest) {
    const int head_dim = job.attention.head_dim;
#pragma unroll
    for (int n = 0; n < CHANNELS; n++) {
      const int c = static_cast<int>(threadIdx.x) + n * threads;
      const sks_rotation rotation(job.attention, c);
      const bool valid = c < head_dim, rotated = valid && rotation.sign != 0;
#pragma unroll
      for (int q = 0; q < queries; q++) {
        x[n][q] = valid && q < there ? queries_at[q * head_dim + c] : 0.0f;
        other[n][q] = rotated && q < there ? queries_at[q * head_dim + rotation.other] : 0.0f;
      }
      key[n] = valid && newest ? keys_at[c] : 0.0f;
      other_key[n] = rotated && newest ? keys_at[rotation.other] : 0.0f;
      value[n] = valid && newest ? values_at[c] : 0.0f;
    }
  }

  // A channel turned to its place in the stream, or in the cache (`way` 1).
  __device__ float turned(const sks_rotation &rotation, int n, float channel, float other_channel,
                          int way) const {
    if (rotation.sign == 0) return channel;
    return rotation.turn(channel, other_channel, cosine[n][way], sine[n][way]);
  }
  __device__ float query(const sks_rotation &rotation, int n, int q, int way) const {
    return turned(rotation, n, x[n][q], other[n][q], way);
  }

 private:
  const float *queries_at, *keys_at, *values_at;
  int there;  // of the queries
};

#endif
