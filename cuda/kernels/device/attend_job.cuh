// What the kernels behind sks_cuda_attend_rows share: a launch, where a token's keys lie, and the
// end of a softmax.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_ATTEND_JOB_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_ATTEND_JOB_CUH

#include "cuda/kernels/attend.h"
#include "cuda/kernels/device/kv.cuh"
#include "cuda/kernels/device/launch.cuh"

enum { SKS_ATTEND_QUERIES = 8 };  // of a group that a block takes, at most

// Blocks of a row that each take all of its keys, or a part.
__host__ __device__ static inline int64_t sks_attend_blocks(const sks_cuda_attention &attention) {
  int64_t group = attention.heads / attention.kv_heads;
  return attention.kv_heads * ((group + SKS_ATTEND_QUERIES - 1) / SKS_ATTEND_QUERIES);
}

struct sks_attend_job {
  sks_cuda_attention attention;
  sks_cuda_step step;
  int32_t layer, first_row;
  bool fused;  // the newest row comes from `rows`
  sks_cuda_new_rows rows;
  sks_cuda_attend_args in;
  int32_t group, subgroups;  // queries of a KV head, and blocks that share them
  int32_t most_parts;        // blocks of a row and KV head
  int32_t *tickets;          // zero before and after, as what follows
  char *parts_memory;        // of rows in parts, as their kernel lays it out
};

// One kernel for keys of float32, and one for the others. `parts` says into how many parts it cuts
// a row of `keys` keys, of a step that has `rows`, and `bytes` how much memory the parts of so many
// rows take.
int64_t sks_attend_float_parts(const sks_cuda_attention *attention, int64_t keys);
int64_t sks_attend_float_bytes(const sks_cuda_attention *attention, int64_t rows, int64_t parts);
cudaError_t sks_attend_float_launch(cudaStream_t stream, const sks_attend_job &job, int64_t rows,
                                    bool overlap);
int64_t sks_attend_few_parts(const sks_cuda_attention *attention, int64_t rows, int64_t keys);
int64_t sks_attend_few_bytes(const sks_cuda_attention *attention, int64_t rows, int64_t parts);
cudaError_t sks_attend_few_launch(cudaStream_t stream, const sks_attend_job &job, int64_t rows,
                                  bool overlap);

// Rows whole, with blocks that go through many: keys of all types but float32. It needs one ticket
// and no memory for parts.
cudaError_t sks_attend_many_launch(cudaStream_t stream, const sks_attend_job &job, int64_t rows,
                                   bool overlap);

// Of the keys that a token sees, in their order in the cache: where a row lies. A cache that fits
// in memory has fewer than 2^31 rows.
struct sks_key_slots {
  int32_t slots[SKS_SPANS], ends[SKS_SPANS - 1];
  sks_key_slots() = default;
  __device__ explicit sks_key_slots(const sks_cuda_token &token) {
    ends[0] = static_cast<int32_t>(token.spans[0].count);
    ends[1] = ends[0] + static_cast<int32_t>(token.spans[1].count);
    slots[0] = static_cast<int32_t>(token.spans[0].slot);
    slots[1] = static_cast<int32_t>(token.spans[1].slot) - ends[0];
    slots[2] = static_cast<int32_t>(token.spans[2].slot) - ends[1];
  }
  __device__ int64_t of(int32_t key) const {
    return key + (key < ends[0] ? slots[0] : key < ends[1] ? slots[1] : slots[2]);
  }
  // Whether keys first .. last lie one behind the other.
  __device__ bool adjoin(int32_t first, int32_t last) const {
    return (first < ends[0]) == (last < ends[0]) && (first < ends[1]) == (last < ends[1]);
  }
};

// What weights relative to `largest`, which sum up to `sum`, are multiplied with in the end; a sink
// logit joins them.
__device__ static inline float sks_softmax_factor(const sks_attend_job &job, int head,
                                                  float largest, float sum) {
  if (job.in.sink_logits) {
    float logit = job.in.sink_logits[head] * SKS_LOG2_E, all = fmaxf(largest, logit);
    sum = sum * exp2f(largest - all) + exp2f(logit - all);
    return exp2f(largest - all) / sum;
  }
  return 1.0f / sum;
}

#endif
