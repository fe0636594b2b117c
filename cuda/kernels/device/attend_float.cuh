// A block's arithmetic for keys of float32: a key a thread, then four channels a thread.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_ATTEND_FLOAT_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_ATTEND_FLOAT_CUH

#include "cuda/kernels/device/kv.cuh"

enum {
  SKS_ATTEND_THREADS_BITS = 8,
  SKS_ATTEND_THREADS = 1 << SKS_ATTEND_THREADS_BITS,
  SKS_ATTEND_WARPS = SKS_ATTEND_THREADS / SKS_WARP,
  SKS_ATTEND_MOST_KEYS = 128,
  SKS_ATTEND_CHANNELS = 4  // of 16 bytes
};

// Bytes from one row to the next in shared memory: an odd number of 16, so that neighbouring rows
// read at the same place meet no bank twice.
__host__ __device__ static inline int sks_padded(int bytes) {
  return bytes / 16 % 2 ? bytes : bytes + 16;
}

template <int queries>
struct sks_attend_float {
  enum { TOGETHER = queries < 2 ? queries : 2 };  // queries of a thread in the pass over values

  int head_dim, chunk_bits;
  int stride;                // of keys and values
  int pieces;                // of 16 bytes that hold a row's elements
  int channels;              // of queries: zero from head_dim on
  char *keys, *values;       // [chunk] rows; then the threads' sums, in the same memory
  float *cached, *streamed;  // queries [queries][channels], rotated in the cache and in the stream
  float *scores;             // [shares][queries][chunk]: parts of a score
  float *weights;            // [chunk][queries]

  __host__ __device__ sks_attend_float(char *shared, int row_pitch, int dim, int bits) {
    head_dim = dim;
    chunk_bits = bits;
    stride = sks_padded(row_pitch);
    pieces = (dim + SKS_ATTEND_CHANNELS - 1) / SKS_ATTEND_CHANNELS;
    channels = pieces * SKS_ATTEND_CHANNELS;
    int rows = stride << bits, sums = SKS_ATTEND_THREADS * SKS_ATTEND_CHANNELS * TOGETHER * 4;
    keys = shared;
    values = keys + rows;
    cached = reinterpret_cast<float *>(keys + (2 * rows > sums ? 2 * rows : sums));
    streamed = cached + queries * channels;
    scores = streamed + queries * channels;
    weights = scores + SKS_ATTEND_THREADS * queries;
  }
  __host__ size_t bytes() const {
    return static_cast<size_t>(reinterpret_cast<char *>(weights + (queries << chunk_bits)) - keys);
  }

  __device__ int shares() const { return SKS_ATTEND_THREADS >> chunk_bits; }
  __device__ void put_query(bool stream, int q, int c, float x) const {
    (stream ? streamed : cached)[q * channels + c] = x;
  }
  __device__ void put_weight(int key, int q, float weight) const {
    weights[key * queries + q] = weight;
  }

  // A thread multiplies a part of one key with all queries.
  __device__ void score(int count, int sinks) const {
    int key = static_cast<int>(threadIdx.x) & ((1 << chunk_bits) - 1);
    int share = static_cast<int>(threadIdx.x) >> chunk_bits;
    if (key >= count) return;
    int bits = SKS_ATTEND_THREADS_BITS - chunk_bits, end = pieces * (share + 1) >> bits;
    const float *query = key < sinks ? cached : streamed;
    const char *row = keys + key * stride;
    float sums[queries] = {};
#pragma unroll 2
    for (int i = pieces * share >> bits; i < end; i++) {
      float4 k = *reinterpret_cast<const float4 *>(row + 16 * i);
#pragma unroll
      for (int q = 0; q < queries; q++) {
        float4 x = reinterpret_cast<const float4 *>(query + q * channels)[i];
        sums[q] = fmaf(k.x, x.x, sums[q]);
        sums[q] = fmaf(k.y, x.y, sums[q]);
        sums[q] = fmaf(k.z, x.z, sums[q]);
        sums[q] = fmaf(k.w, x.w, sums[q]);
      }
    }
#pragma unroll
    for (int q = 0; q < queries; q++) scores[(share * queries + q << chunk_bits) + key] = sums[q];
  }

  // Values weighted: a thread has 16 bytes of every so many rows, for one query or two. Afterwards
  // sums [groups][queries][channels] lie where keys and values were.
  __device__ int sum(int count) const {
    constexpr int sets = queries / TOGETHER;
    int groups = SKS_ATTEND_THREADS / (pieces * sets);
    int piece = static_cast<int>(threadIdx.x) % pieces;
    int set = static_cast<int>(threadIdx.x) / pieces % sets;
    int group = static_cast<int>(threadIdx.x) / (pieces * sets);
    float4 sums[TOGETHER] = {};
    if (group < groups) {
#pragma unroll 4
      for (int key = group; key < count; key += groups) {
        float4 v = *reinterpret_cast<const float4 *>(values + key * stride + 16 * piece);
#pragma unroll
        for (int q = 0; q < TOGETHER; q++) {
          float weight = weights[key * queries + set * TOGETHER + q];
          sums[q].x = fmaf(weight, v.x, sums[q].x);
          sums[q].y = fmaf(weight, v.y, sums[q].y);
          sums[q].z = fmaf(weight, v.z, sums[q].z);
          sums[q].w = fmaf(weight, v.w, sums[q].w);
        }
      }
    }
    __syncthreads();
    if (group < groups) {
#pragma unroll
      for (int q = 0; q < TOGETHER; q++)
        reinterpret_cast<float4 *>(reinterpret_cast<float *>(keys) +
                                   (group * queries + set * TOGETHER + q) * channels)[piece] =
            sums[q];
    }
    return groups;
  }
};

#endif
