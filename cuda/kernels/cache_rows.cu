#include "cuda/kernels/cache_rows.h"
#include "cuda/kernels/device/kv.cuh"
#include "cuda/kernels/device/launch.cuh"
#include "cuda/kernels/device/rotate.cuh"
#include "sinkstream/attention.h"

namespace {

enum { COPY_THREADS = 128 };

struct copy_args {
  sks_cuda_attention attention;
  sks_cuda_cache cache;
  int32_t layer;
  sks_span spans[SKS_SPANS];
  char *packed;
  bool import;
};

// A block for each row: a token's key or value of one KV head.
__global__ void copy_rows(copy_args args) {
  const sks_cuda_attention &attention = args.attention;
  int64_t token = blockIdx.x, tokens = gridDim.x;
  int which = static_cast<int>(blockIdx.y), kv_heads = attention.kv_heads;
  bool keys = which < kv_heads;
  sks_kv_head head =
      sks_kv_head_of(attention.type, attention.head_dim, args.cache.base, args.cache.layer_bytes,
                     args.cache.slots, args.layer, keys ? which : which - kv_heads);
  int64_t slot = 0, before = 0;
  for (int i = 0; i < SKS_SPANS; before += args.spans[i++].count)
    if (token >= before && token < before + args.spans[i].count)
      slot = args.spans[i].slot + token - before;

  int64_t bytes = sks_kv_row_bytes(attention.type, attention.head_dim);
  char *packed = args.packed + (which * tokens + token) * bytes;
  char *row = (keys ? head.keys : head.values) + slot * head.pitch;
  for (int64_t i = threadIdx.x; i < bytes; i += COPY_THREADS) {
    if (args.import)
      row[i] = packed[i];
    else
      packed[i] = row[i];
  }
}

cudaError_t copy(cudaStream_t stream, const sks_cuda_attention *attention,
                 const sks_cuda_cache *cache, int32_t layer, const sks_span *spans, char *packed,
                 bool import) {
  copy_args args = {};
  args.attention = *attention;
  args.cache = *cache;
  args.layer = layer;
  args.packed = packed;
  args.import = import;
  int64_t tokens = 0;
  for (int i = 0; i < SKS_SPANS; i++) {
    args.spans[i] = spans[i];
    tokens += spans[i].count;
  }
  if (tokens == 0) return cudaSuccess;
  dim3 grid(static_cast<unsigned>(tokens), static_cast<unsigned>(2 * attention->kv_heads));
  return sks_launch(copy_rows, grid, COPY_THREADS, 0, stream, false, args);
}

struct move_args {
  sks_cuda_attention attention;
  sks_cuda_cache cache;
  int64_t from, end, distance;
};

// A block for each KV head of a layer goes through the tokens in order: a row may be the target of
// one that comes later. What is not turned is not rounded again either.
template <typename kv>
__global__ void move(move_args args) {
  const sks_cuda_attention &attention = args.attention;
  int head_dim = attention.head_dim, half = attention.rotary_half;
  sks_kv_head head =
      sks_kv_head_of(kv::TYPE, head_dim, args.cache.base, args.cache.layer_bytes, args.cache.slots,
                     static_cast<int>(blockIdx.y), static_cast<int>(blockIdx.x));
  int c = static_cast<int>(threadIdx.x), words = head.pitch / 4;
  bool valid = c < head_dim;
  const sks_rotation rotation(attention, c);
  double cosine = 1, sine = 0;
  if (rotation.sign != 0) sks_phase(attention.turns[rotation.pair], -args.distance, &cosine, &sine);
  for (int64_t i = args.from; i < args.end; i++) {
    int64_t source = sks_slot_of(&args.cache.ring, i);
    int64_t target = sks_slot_of(&args.cache.ring, i - args.distance);
    const char *key = head.keys + source * head.pitch, *value = head.values + source * head.pitch;
    char *to_key = head.keys + target * head.pitch, *to_value = head.values + target * head.pitch;
    float turned = 0;
    if (valid) {
      double own = sks_load_channel<kv>(key, head_dim, c);
      double other = sks_load_channel<kv>(key, head_dim, rotation.other);
      turned = static_cast<float>(
          rotation.sign == 0 ? own : own * cosine + rotation.sign * (other * sine));
    }
    // As many words as there are threads, at most: a row's bits.
    uint32_t key_word = 0, value_word = 0;
    if (c < words) {
      key_word = reinterpret_cast<const uint32_t *>(key)[c];
      value_word = reinterpret_cast<const uint32_t *>(value)[c];
    }
    __syncthreads();
    if (half > 0)
      sks_store_channel<kv>(turned, c, valid, to_key, head_dim);
    else if (c < words)
      reinterpret_cast<uint32_t *>(to_key)[c] = key_word;
    if (c < words) reinterpret_cast<uint32_t *>(to_value)[c] = value_word;
    __syncthreads();
  }
}

template <typename kv>
cudaError_t launch_move(cudaStream_t stream, const move_args &args, int32_t layers) {
  unsigned threads =
      static_cast<unsigned>(args.attention.head_dim + SKS_WARP - 1) / SKS_WARP * SKS_WARP;
  dim3 grid(static_cast<unsigned>(args.attention.kv_heads), static_cast<unsigned>(layers));
  return sks_launch(move<kv>, grid, threads, 0, stream, false, args);
}

}  // namespace

cudaError_t sks_cuda_cache_export(cudaStream_t stream, const sks_cuda_attention *attention,
                                  const sks_cuda_cache *cache, int32_t layer,
                                  const sks_span spans[SKS_SPANS], void *packed) {
  return copy(stream, attention, cache, layer, spans, static_cast<char *>(packed), false);
}

cudaError_t sks_cuda_cache_import(cudaStream_t stream, const sks_cuda_attention *attention,
                                  const sks_cuda_cache *cache, int32_t layer,
                                  const sks_span spans[SKS_SPANS], const void *packed) {
  return copy(stream, attention, cache, layer, spans,
              static_cast<char *>(const_cast<void *>(packed)), true);
}

cudaError_t sks_cuda_cache_move(cudaStream_t stream, const sks_cuda_attention *attention,
                                const sks_cuda_cache *cache, int32_t layers, int64_t from,
                                int64_t end, int64_t distance) {
  if (from >= end || distance == 0) return cudaSuccess;
  move_args args = {};
  args.attention = *attention;
  args.cache = *cache;
  args.from = from;
  args.end = end;
  args.distance = distance;
  switch (attention->type) {
    case SKS_F32:
      return launch_move<sks_kv_f32>(stream, args, layers);
    case SKS_F16:
      return launch_move<sks_kv_f16>(stream, args, layers);
    case SKS_BF16:
      return launch_move<sks_kv_bf16>(stream, args, layers);
    case SKS_Q8_0:
      return launch_move<sks_kv_q8_0>(stream, args, layers);
    default:
      return cudaErrorInvalidValue;
  }
}

cudaError_t sks_cuda_cache_grow(cudaStream_t stream, const sks_cuda_attention *attention,
                                const sks_cuda_cache *cache, int32_t layers, char *base,
                                int64_t slots) {
  int64_t pitch = sks_cuda_row_pitch(attention->type, attention->head_dim);
  int64_t layer_bytes =
      sks_cuda_layer_bytes(attention->type, attention->head_dim, attention->kv_heads, slots);
  // Keys of a head, then its values. One by one: cudaMemcpy2D takes distances up to 2 GiB.
  const int32_t pieces = 2 * attention->kv_heads;
  for (int64_t i = 0; i < static_cast<int64_t>(layers) * pieces; i++) {
    int64_t layer = i / pieces, piece = i % pieces;
    cudaError_t error =
        cudaMemcpyAsync(cache->base + layer * cache->layer_bytes + piece * cache->slots * pitch,
                        base + layer * layer_bytes + piece * slots * pitch,
                        static_cast<size_t>(slots * pitch), cudaMemcpyDeviceToDevice, stream);
    if (error != cudaSuccess) return error;
  }
  return cudaSuccess;
}
