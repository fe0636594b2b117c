// Full caches of random keys and values for the benchmarks.
#ifndef SINKSTREAM_CUDA_BENCH_STREAMS_CUH
#define SINKSTREAM_CUDA_BENCH_STREAMS_CUH

#include "cuda/bench/support.cuh"
#include "cuda/kernels/attend.h"
#include "cuda/kernels/put.h"

struct bench_shape {
  int32_t layers, heads, kv_heads, head_dim, type;
};

// Scales of Q8_0 that are numbers of a usual size, where rows of random bytes have theirs.
__global__ static void bench_fill_scales(char *rows, int64_t count, int64_t pitch, int32_t head_dim,
                                         int64_t runs) {
  int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count * runs;
       i += step)
    reinterpret_cast<__half *>(rows + i / runs * pitch + head_dim)[i % runs] =
        __float2half(static_cast<float>(bench_hash(static_cast<uint64_t>(i))) * 0x1p-38f);
}

// `streams` streams of S+R, all at `position`, and a step of `rows` tokens of each.
struct bench_streams {
  sks_cuda_attention attention;
  sks_cuda_step step;
  int64_t most_keys, workspace_bytes;
  void *workspace;
  double bytes;  // of the rows that a step reads
  std::vector<int64_t> positions;

  bench_streams(const bench_shape &shape, int64_t sinks, int64_t window, int32_t streams,
                int32_t rows, int64_t position) {
    std::vector<sks_turns> turns;
    for (int i = 0; i < shape.head_dim / 2; i++)
      turns.push_back(sks_turns_of(pow(10000, -2.0 * i / shape.head_dim)));
    void *gpu_turns;
    GPU(cudaMalloc(&gpu_turns, turns.size() * sizeof turns[0]));
    GPU(cudaMemcpy(gpu_turns, turns.data(), turns.size() * sizeof turns[0],
                   cudaMemcpyHostToDevice));
    attention = {shape.heads,
                 shape.kv_heads,
                 shape.head_dim,
                 shape.head_dim / 2,
                 0,
                 shape.type,
                 1 / sqrtf(static_cast<float>(shape.head_dim)),
                 static_cast<sks_turns *>(gpu_turns),
                 nullptr};
    sks_cuda_cache cache = {};
    cache.ring = {sinks, window, window + rows, sinks};
    cache.slots = sinks + window + rows;
    cache.layer_bytes =
        sks_cuda_layer_bytes(shape.type, shape.head_dim, shape.kv_heads, cache.slots);
    std::vector<sks_cuda_cache> caches;
    std::vector<sks_cuda_row> entries;
    for (int32_t i = 0; i < streams; i++) {
      int64_t total = cache.layer_bytes * shape.layers;
      bool halves = shape.type == SKS_F16 || shape.type == SKS_BF16;
      cache.base =
          static_cast<char *>(bench_memory(halves ? total / 2 : total, halves ? HALVES : BYTES, 1));
      for (int32_t layer = 0; shape.type == SKS_Q8_0 && layer < shape.layers; layer++) {
        bench_fill_scales<<<256, 256>>>(cache.base + layer * cache.layer_bytes,
                                        2 * cache.slots * shape.kv_heads,
                                        sks_cuda_row_pitch(shape.type, shape.head_dim),
                                        shape.head_dim, sks_kv_scales(shape.type, shape.head_dim));
        GPU(cudaGetLastError());
      }
      caches.push_back(cache);
      for (int32_t r = 0; r < rows; r++) entries.push_back({i, r});
    }
    step.row_count = streams * rows;
    void *memory;
    GPU(cudaMalloc(&memory, caches.size() * sizeof cache));
    GPU(cudaMemcpy(memory, caches.data(), caches.size() * sizeof cache, cudaMemcpyHostToDevice));
    step.caches = static_cast<sks_cuda_cache *>(memory);
    positions.assign(caches.size(), position);
    size_t position_bytes = positions.size() * sizeof positions[0];
    GPU(cudaMalloc(&memory, position_bytes));
    GPU(cudaMemcpy(memory, positions.data(), position_bytes, cudaMemcpyHostToDevice));
    step.positions = static_cast<int64_t *>(memory);
    GPU(cudaMalloc(&memory, entries.size() * sizeof entries[0]));
    GPU(cudaMemcpy(memory, entries.data(), entries.size() * sizeof entries[0],
                   cudaMemcpyHostToDevice));
    step.rows = static_cast<sks_cuda_row *>(memory);
    GPU(cudaMalloc(&memory, entries.size() * sizeof(sks_cuda_token)));
    step.tokens = static_cast<sks_cuda_token *>(memory);
    GPU(cudaMalloc(&memory, entries.size() * 4 * turns.size() * sizeof(float)));
    step.phases = static_cast<float *>(memory);
    most_keys = sinks + window + 1;
    workspace_bytes = sks_cuda_attend_workspace(&attention, rows == 1 ? streams : 1, most_keys);
    GPU(cudaMalloc(&workspace, static_cast<size_t>(workspace_bytes)));
    GPU(cudaMemset(workspace, 0, static_cast<size_t>(workspace_bytes)));
    double row_bytes = static_cast<double>(sks_cuda_row_pitch(shape.type, shape.head_dim));
    bytes =
        2.0 * row_bytes * shape.kv_heads * shape.layers * static_cast<double>(most_keys) * streams;
  }

  // With where the streams stand, as the back end writes it; always the same, which is there.
  void begin(cudaStream_t stream) const {
    sks_cuda_puts puts = {};
    sks_cuda_puts_add(&puts, step.positions, positions.data(),
                      static_cast<int64_t>(positions.size() * sizeof positions[0]));
    GPU(sks_cuda_put_and_begin(stream, &puts, &attention, &step));
  }
};

#endif
