#include "cuda/kernels/append.h"
#include "cuda/kernels/device/kv.cuh"
#include "cuda/kernels/device/launch.cuh"
#include "cuda/kernels/device/rotate.cuh"

namespace {

// A block for each row and KV head; a warp for each run of 32 channels.
template <typename kv>
__global__ void append(sks_cuda_attention attention, sks_cuda_step step, int layer,
                       sks_cuda_new_rows rows) {
  sks_let_next_start();
  sks_wait_for_previous();
  int64_t row = blockIdx.x;
  int kv_head = static_cast<int>(blockIdx.y);
  const sks_cuda_token &token = step.tokens[row];
  if (token.slot < 0) return;
  sks_kv_head head = sks_kv_head_of(kv::TYPE, attention.head_dim, token.base, token.layer_bytes,
                                    token.slots, layer, kv_head);
  int64_t at = row * rows.row_stride + kv_head * rows.head_stride;
  const float *phases = step.phases + row * 4 * attention.rotary_half;
  int c = static_cast<int>(threadIdx.x);
  bool valid = c < attention.head_dim;
  float key =
      valid ? sks_rotation(attention, c).of(rows.keys + at, phases, attention.rotary_half) : 0.0f;
  float value = valid ? rows.values[at + c] : 0.0f;
  sks_store_channel<kv>(key, c, valid, head.keys + token.slot * head.pitch, attention.head_dim);
  sks_store_channel<kv>(value, c, valid, head.values + token.slot * head.pitch, attention.head_dim);
}

template <typename kv>
cudaError_t launch(cudaStream_t stream, const sks_cuda_attention *attention,
                   const sks_cuda_step *step, int32_t layer, const sks_cuda_new_rows *rows,
                   bool overlap) {
  unsigned threads =
      static_cast<unsigned>(attention->head_dim + SKS_WARP - 1) / SKS_WARP * SKS_WARP;
  dim3 grid(static_cast<unsigned>(step->row_count), static_cast<unsigned>(attention->kv_heads));
  return sks_launch(append<kv>, grid, threads, 0, stream, overlap, *attention, *step, layer, *rows);
}

}  // namespace

cudaError_t sks_cuda_append(cudaStream_t stream, const sks_cuda_attention *attention,
                            const sks_cuda_step *step, int32_t layer, const sks_cuda_new_rows *rows,
                            bool overlap) {
  switch (attention->type) {
    case SKS_F32:
      return launch<sks_kv_f32>(stream, attention, step, layer, rows, overlap);
    case SKS_F16:
      return launch<sks_kv_f16>(stream, attention, step, layer, rows, overlap);
    case SKS_BF16:
      return launch<sks_kv_bf16>(stream, attention, step, layer, rows, overlap);
    case SKS_Q8_0:
      return launch<sks_kv_q8_0>(stream, attention, step, layer, rows, overlap);
    default:
      return cudaErrorInvalidValue;
  }
}
