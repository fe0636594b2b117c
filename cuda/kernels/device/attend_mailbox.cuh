// How the blocks of a cluster, each of which has a part of a row's softmax, merge them. Parts are
// sent, not fetched: nobody waits for more than their way, and no barrier makes memory settle.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_ATTEND_MAILBOX_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_ATTEND_MAILBOX_CUH

#include "cuda/kernels/device/attend_job.cuh"
#include "cuda/kernels/device/cluster.cuh"

// What a block gets: every so many `threads` of the channels of all queries, and of every query the
// largest score and the sum of weights.
template <int threads>
struct sks_attend_mailbox {
  float *stats;   // [parts, queries, 2]
  float *values;  // [rounds, parts, threads]
  int parts, queries, channels;

  __device__ sks_attend_mailbox(float *shared, int parts_of_row, int most_queries,
                                int channels_of_row)
      : stats(shared),
        values(shared + parts_of_row * most_queries * 2),
        parts(parts_of_row),
        queries(most_queries),
        channels(channels_of_row) {}

  // Of a row with up to so many of each.
  __host__ static int bytes(int parts, int queries, int channels) {
    return (parts * queries * 2 + channels + threads * parts) * static_cast<int>(sizeof(float));
  }

  // Blocks that get something.
  __device__ int merging() const { return min(parts, (channels + threads - 1) / threads); }

  // What comes to block `rank`.
  __device__ uint32_t bytes_for(int rank, int heads) const {
    int round = threads * parts, rest = channels % round;
    int its = channels / round * threads + min(max(rest - rank * threads, 0), threads);
    return static_cast<uint32_t>(parts * (its + 2 * heads)) * static_cast<uint32_t>(sizeof(float));
  }

  // Where the block that merges channel i has what `part` sent.
  __device__ float *value(int i, int part) const {
    return values + (i / (threads * parts) * parts + part) * threads + i % threads;
  }
  __device__ float *stat(int q, int part) const { return stats + (part * queries + q) * 2; }

  __device__ void send(int i, int part, float value_of, sks_arrivals *arrived) const {
    sks_cluster_send(value_of, value(i, part), arrived, i / threads % parts);
  }
  __device__ void send(int q, int part, float largest, float sum, sks_arrivals *arrived) const {
    for (int rank = 0; rank < merging(); rank++) {
      sks_cluster_send(largest, stat(q, part), arrived, rank);
      sks_cluster_send(sum, stat(q, part) + 1, arrived, rank);
    }
  }

  // All of it has come to block `rank`: parts merge in order.
  __device__ void merge(const sks_attend_job &job, int64_t row, int first_head, int rank) const {
    int head_dim = job.attention.head_dim;
    float *out = job.in.out + (row * job.attention.heads + first_head) * head_dim;
    for (int i = rank * threads + static_cast<int>(threadIdx.x); i < channels;
         i += parts * threads) {
      int q = i / head_dim;
      float largest = -INFINITY, sum = 0, total = 0;
#pragma unroll 4
      for (int p = 0; p < parts; p++) largest = fmaxf(largest, stat(q, p)[0]);
#pragma unroll 4
      for (int p = 0; p < parts; p++) {
        float its = stat(q, p)[0], weights = stat(q, p)[1];
        float keep = its == -INFINITY ? 0.0f : sks_exp2(its - largest);
        // A sum that is no number shows, whatever it is weighed with.
        sum += keep == 0 && weights == weights ? 0.0f : weights * keep;
        total = fmaf(*value(i, p), keep, total);
      }
      sks_softmax_end end = sks_finish_softmax(job, first_head + q, largest, sum);
      out[i] = total * end.factor;
    }
  }
};

#endif
