#include "cuda/kernels/attention_weights.h"
#include "cuda/kernels/device/attend_job.cuh"
#include "cuda/kernels/device/rotate.cuh"

namespace {

enum { THREADS = 256, MOST_HEAD_DIM = SKS_MAX_HEAD_DIM };

// A query of the row, rotated and scaled: for the sink tokens, and for the window.
struct query {
  float cached[MOST_HEAD_DIM], streamed[MOST_HEAD_DIM];
};

struct weights_args {
  sks_cuda_attention attention;
  sks_cuda_step step;
  int32_t layer, row;
  sks_cuda_attend_args in;
};

__device__ void rotate(const weights_args &args, int head, query *to) {
  const sks_cuda_attention &attention = args.attention;
  int group = attention.heads / attention.kv_heads, half = attention.rotary_half;
  const float *from = args.in.queries + args.row * args.in.row_stride +
                      head / group * args.in.group_stride +
                      static_cast<int64_t>(head % group) * attention.head_dim;
  const float *phases = args.step.phases + static_cast<int64_t>(args.row) * 4 * half;
  for (int c = static_cast<int>(threadIdx.x); c < attention.head_dim; c += THREADS) {
    sks_rotation rotation(attention, c);
    to->streamed[c] = rotation.of(from, phases, half) * attention.scale;
    to->cached[c] = rotation.of(from, phases + 2 * half, half) * attention.scale;
  }
}

template <typename kv>
__device__ double score(const weights_args &args, const query &query, const sks_kv_head &kv_head,
                        const sks_cuda_token &token, const sks_key_slots &slots, int head,
                        int32_t key) {
  const char *row = kv_head.keys + slots.of(key) * kv_head.pitch;
  bool sink = key < slots.ends[0];
  const float *rotated = sink ? query.cached : query.streamed;
  double sum = 0;
  for (int c = 0; c < args.attention.head_dim; c++)
    sum += static_cast<double>(rotated[c]) * sks_load_channel<kv>(row, args.attention.head_dim, c);
  if (args.attention.slopes) {
    int64_t distance = sink ? token.view.query - key : token.keys - 1 - key;
    sum -= args.attention.slopes[head] * static_cast<double>(distance);
  }
  return sum;
}

// Of the block's threads, in each of them.
template <typename operation>
__device__ double reduce(double x, operation join) {
  __shared__ double all[THREADS];
  __syncthreads();
  all[threadIdx.x] = x;
  for (int apart = THREADS / 2; apart > 0; apart /= 2) {
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < apart)
      all[threadIdx.x] = join(all[threadIdx.x], all[threadIdx.x + apart]);
  }
  __syncthreads();
  return all[0];
}

// A block for each query head.
template <typename kv>
__global__ __launch_bounds__(THREADS) void weigh(weights_args args) {
  __shared__ query query;
  const sks_cuda_attention &attention = args.attention;
  const sks_cuda_token &token = args.step.tokens[args.row];
  int head = static_cast<int>(blockIdx.x), kv_head = head / (attention.heads / attention.kv_heads);
  rotate(args, head, &query);
  __syncthreads();
  sks_kv_head rows = sks_kv_head_of(kv::TYPE, attention.head_dim, token.base, token.layer_bytes,
                                    token.slots, args.layer, kv_head);
  sks_key_slots slots(token);
  int32_t keys = static_cast<int32_t>(token.keys), first = static_cast<int32_t>(threadIdx.x);
  float *to = args.in.out + static_cast<int64_t>(head) * keys;
  const float *sink_logit = args.in.sink_logits ? args.in.sink_logits + head : nullptr;
  double largest = sink_logit ? *sink_logit : -INFINITY;
  for (int32_t key = first; key < keys; key += THREADS) {
    to[key] = static_cast<float>(score<kv>(args, query, rows, token, slots, head, key));
    largest = fmax(largest, static_cast<double>(to[key]));
  }
  largest = reduce(largest, [](double a, double b) { return fmax(a, b); });
  double sum = 0;
  for (int32_t key = first; key < keys; key += THREADS) sum += exp(to[key] - largest);
  sum = reduce(sum, [](double a, double b) { return a + b; });
  if (sink_logit) sum += exp(*sink_logit - largest);
  for (int32_t key = first; key < keys; key += THREADS)
    to[key] = static_cast<float>(exp(to[key] - largest) / sum);
}

template <typename kv>
cudaError_t launch(cudaStream_t stream, const weights_args &args) {
  return sks_launch(weigh<kv>, dim3(static_cast<unsigned>(args.attention.heads)), THREADS, 0,
                    stream, false, args);
}

}  // namespace

cudaError_t sks_cuda_attention_weights(cudaStream_t stream, const sks_cuda_attention *attention,
                                       const sks_cuda_step *step, int32_t layer, int32_t row,
                                       const sks_cuda_attend_args *in) {
  weights_args args = {*attention, *step, layer, row, *in};
  switch (attention->type) {
    case SKS_F32:
      return launch<sks_kv_f32>(stream, args);
    case SKS_F16:
      return launch<sks_kv_f16>(stream, args);
    case SKS_BF16:
      return launch<sks_kv_bf16>(stream, args);
    default:
      return launch<sks_kv_q8_0>(stream, args);
  }
}
