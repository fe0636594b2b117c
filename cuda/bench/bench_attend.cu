// Attention alone: a token of each of many streams, and chunks of a prompt.
#include "core/element.h"
#include "cuda/bench/bench_streams.cuh"

namespace {

void measure_rows(const bench_shape &shape, int64_t window, int32_t streams, double bandwidth) {
  bench_streams s(shape, 4, window, streams, 1, window + 500);
  int64_t width = static_cast<int64_t>(shape.heads) * shape.head_dim;
  int64_t kv = static_cast<int64_t>(shape.kv_heads) * shape.head_dim, row = width + 2 * kv;
  float *x = static_cast<float *>(bench_memory(streams * row, FLOATS, 1));
  float *out = static_cast<float *>(bench_memory(streams * width, FLOATS, 1));
  s.begin(nullptr);
  GPU(cudaDeviceSynchronize());
  int32_t group = shape.heads / shape.kv_heads;
  double time = bench_median([&](cudaStream_t stream) {
    for (int32_t layer = 0; layer < shape.layers; layer++) {
      sks_cuda_new_rows rows = {x + width, x + width + kv, row, shape.head_dim};
      sks_cuda_attend_args in = {x, row, group * shape.head_dim, nullptr, out};
      GPU(sks_cuda_attend_rows(stream, &s.attention, &s.step, layer, &rows, &in, s.most_keys,
                               s.workspace, s.workspace_bytes, true));
    }
  });
  printf("%-5s %3d/%-3d %4d %8lld %8d %10.2f %8.0f %7.1f%%\n", sks_type_name(shape.type),
         shape.heads, shape.kv_heads, shape.head_dim, static_cast<long long>(window), streams,
         time * 1e3 / shape.layers, s.bytes / time * 1e-6, s.bytes / time * 1e-4 / bandwidth);
  std::vector<sks_cuda_cache> caches(static_cast<size_t>(streams));
  GPU(cudaMemcpy(caches.data(), s.step.caches, caches.size() * sizeof caches[0],
                 cudaMemcpyDeviceToHost));
  for (const sks_cuda_cache &cache : caches) GPU(cudaFree(cache.base));
  GPU(cudaFree(s.workspace));
}

// `rows` tokens of one stream whose window holds `before` tokens.
void measure_tiles(const bench_shape &shape, int64_t window, int32_t rows, int64_t position) {
  bench_streams s(shape, 4, window, 1, rows, position);
  int64_t width = static_cast<int64_t>(shape.heads) * shape.head_dim;
  int64_t kv = static_cast<int64_t>(shape.kv_heads) * shape.head_dim, row = width + 2 * kv;
  float *x = static_cast<float *>(bench_memory(rows * row, FLOATS, 1));
  float *out = static_cast<float *>(bench_memory(rows * width, FLOATS, 1));
  std::vector<sks_cuda_tile> tiles;
  for (int32_t r = 0; r < rows; r += SKS_CUDA_TILE_ROWS)
    tiles.push_back({r, std::min<int32_t>(rows - r, SKS_CUDA_TILE_ROWS)});
  void *memory;
  GPU(cudaMalloc(&memory, tiles.size() * sizeof tiles[0]));
  GPU(cudaMemcpy(memory, tiles.data(), tiles.size() * sizeof tiles[0], cudaMemcpyHostToDevice));
  s.begin(nullptr);
  GPU(cudaDeviceSynchronize());
  sks_cuda_attend_args in = {x, row, shape.heads / shape.kv_heads * shape.head_dim, nullptr, out};
  double time = bench_median(
      [&](cudaStream_t stream) {
        for (int32_t layer = 0; layer < shape.layers; layer++)
          GPU(sks_cuda_attend_tiles(stream, &s.attention, &s.step, layer, &in,
                                    static_cast<sks_cuda_tile *>(memory),
                                    static_cast<int32_t>(tiles.size())));
      },
      10);
  double keys = 0;
  for (int32_t r = 0; r < rows; r++)
    keys += static_cast<double>(std::min<int64_t>(position + r, window + 4) + 1);
  double operations = 4.0 * keys * shape.heads * shape.head_dim * shape.layers;
  printf("%-5s %3d/%-3d %4d %8lld %8d %10.2f %8.1f\n", sks_type_name(shape.type), shape.heads,
         shape.kv_heads, shape.head_dim, static_cast<long long>(window), rows,
         time * 1e3 / shape.layers, operations / time * 1e-9);
  GPU(cudaFree(x));
  GPU(cudaFree(out));
}

}  // namespace

int main() {
  bench_say_card();
  double bandwidth = bench_copy_bandwidth();
  printf("# copy %.0f GB/s\n# a token of each stream\n%-5s %7s %4s %8s %8s %10s %8s %8s\n",
         bandwidth, "type", "heads", "dim", "window", "streams", "us/layer", "GB/s", "of copy");
  for (int64_t window : {252, 1020, 4092}) {
    measure_rows({8, 32, 32, 128, SKS_F16}, window, 1, bandwidth);
    measure_rows({4, 32, 32, 128, SKS_F16}, window, 64, bandwidth);
    measure_rows({4, 32, 32, 128, SKS_Q8_0}, window, 64, bandwidth);
    measure_rows({4, 32, 8, 128, SKS_F16}, window, 64, bandwidth);
    measure_rows({4, 32, 8, 128, SKS_Q8_0}, window, 64, bandwidth);
    measure_rows({8, 32, 32, 128, SKS_Q8_0}, window, 1, bandwidth);
    measure_rows({8, 32, 4, 64, SKS_F16}, window, 1, bandwidth);
    measure_rows({8, 71, 1, 64, SKS_F16}, window, 1, bandwidth);
  }
  printf("# chunks of a prompt\n%-5s %7s %4s %8s %8s %10s %8s\n", "type", "heads", "dim", "window",
         "rows", "us/layer", "TFLOP/s");
  measure_tiles({2, 32, 32, 128, SKS_F16}, 4092, 4096, 0);
  measure_tiles({2, 32, 32, 128, SKS_F16}, 4092, 512, 8000);
  measure_tiles({2, 32, 32, 128, SKS_F16}, 1020, 4096, 0);
  measure_tiles({2, 32, 8, 128, SKS_F16}, 4092, 4096, 0);
  measure_tiles({2, 32, 32, 64, SKS_F16}, 4092, 4096, 0);
  measure_tiles({2, 32, 32, 128, SKS_Q8_0}, 4092, 4096, 0);
  return 0;
}
