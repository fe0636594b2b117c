// Random device memory, matrices and timing for the benchmarks of kernels.
#ifndef SINKSTREAM_CUDA_BENCH_SUPPORT_CUH
#define SINKSTREAM_CUDA_BENCH_SUPPORT_CUH

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "cuda/kernels/loading.h"
#include "cuda/kernels/matrix.h"
#include "support/no_gpu.hpp"

#define GPU(call)                                                                        \
  do {                                                                                   \
    cudaError_t gpu_error = (call);                                                      \
    if (gpu_error != cudaSuccess) {                                                      \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, cudaGetErrorString(gpu_error)); \
      exit(1);                                                                           \
    }                                                                                    \
  } while (0)

enum bench_fill { BYTES, HALVES, FLOATS };

__device__ static inline uint32_t bench_hash(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ x >> 27) * 0x94d049bb133111ebull;
  return static_cast<uint32_t>(x ^ x >> 31);
}

// Numbers up to `scale` in size; BYTES: any.
__global__ static void bench_fill_memory(void *memory, int64_t count, bench_fill kind, float scale,
                                         uint64_t seed) {
  int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += step) {
    uint32_t bits = bench_hash(seed + static_cast<uint64_t>(i) * 0x9e3779b97f4a7c15ull);
    float value = scale * (static_cast<float>(bits) * 0x1p-31f - 1.0f);
    if (kind == BYTES) static_cast<uint8_t *>(memory)[i] = static_cast<uint8_t>(bits);
    if (kind == HALVES) static_cast<__half *>(memory)[i] = __float2half(value);
    if (kind == FLOATS) static_cast<float *>(memory)[i] = value;
  }
}

// Random memory that stays allocated until the program ends.
static void *bench_memory(int64_t count, bench_fill kind, float scale) {
  static uint64_t seed = 1;
  void *memory;
  int64_t bytes = count * (kind == BYTES ? 1 : kind == HALVES ? 2 : 4);
  GPU(cudaMalloc(&memory, static_cast<size_t>(bytes)));
  bench_fill_memory<<<1024, 256>>>(memory, count, kind, scale, seed++ << 40);
  GPU(cudaGetLastError());
  return memory;
}

static sks_cuda_matrix bench_matrix(int32_t type, int64_t rows, int64_t columns) {
  sks_cuda_matrix w = {};
  w.type = type;
  w.rows = rows;
  w.columns = columns;
  int64_t bytes = sks_cuda_element_bytes(type, rows, columns);
  bool halves = type == SKS_F16 || type == SKS_BF16;
  w.elements = bench_memory(halves            ? bytes / 2
                            : type == SKS_F32 ? bytes / 4
                                              : bytes,
                            halves            ? HALVES
                            : type == SKS_F32 ? FLOATS
                                              : BYTES,
                            0.02f);
  int64_t scales = sks_cuda_scale_bytes(type, rows, columns) / 2;
  if (scales) w.scales = bench_memory(scales, HALVES, type == SKS_Q4_0 ? 3e-3f : 2e-4f);
  return w;
}

static double bench_matrix_bytes(const sks_cuda_matrix &w) {
  return static_cast<double>(sks_cuda_element_bytes(w.type, w.rows, w.columns) +
                             sks_cuda_scale_bytes(w.type, w.rows, w.columns));
}

// Median milliseconds of a run of what `work` launches, replayed as a graph.
static double bench_median(const std::function<void(cudaStream_t)> &work, int repetitions = 40) {
  cudaStream_t stream;
  cudaGraph_t graph;
  cudaGraphExec_t recorded;
  cudaEvent_t begin, end;
  GPU(cudaStreamCreate(&stream));
  GPU(cudaEventCreate(&begin));
  GPU(cudaEventCreate(&end));
  GPU(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  work(stream);
  GPU(cudaStreamEndCapture(stream, &graph));
  GPU(cudaGraphInstantiate(&recorded, graph, 0));
  std::vector<double> times;
  for (int i = 0; i < repetitions + 5; i++) {
    GPU(cudaEventRecord(begin, stream));
    GPU(cudaGraphLaunch(recorded, stream));
    GPU(cudaEventRecord(end, stream));
    GPU(cudaStreamSynchronize(stream));
    float time;
    GPU(cudaEventElapsedTime(&time, begin, end));
    if (i >= 5) times.push_back(time);
  }
  GPU(cudaGraphExecDestroy(recorded));
  GPU(cudaGraphDestroy(graph));
  GPU(cudaStreamDestroy(stream));
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

// With enough in flight; cudaMemcpyAsync takes the copy engines, which are slower.
__global__ static void bench_copy(const uint4 *__restrict__ from, uint4 *__restrict__ to,
                                  int64_t count) {
  enum { AT_ONCE = 4 };
  int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x * AT_ONCE + threadIdx.x;
  uint4 v[AT_ONCE];
#pragma unroll
  for (int k = 0; k < AT_ONCE; k++)
    if (i + k * blockDim.x < count) v[k] = __ldcs(from + i + k * blockDim.x);
#pragma unroll
  for (int k = 0; k < AT_ONCE; k++)
    if (i + k * blockDim.x < count) __stcs(to + i + k * blockDim.x, v[k]);
}

// The bandwidth of a large copy, bytes read plus bytes written.
static double bench_copy_bandwidth() {
  const int64_t bytes = INT64_C(4) << 30;
  void *from = bench_memory(bytes / 4, FLOATS, 1), *to = bench_memory(bytes / 4, FLOATS, 1);
  double time = bench_median([&](cudaStream_t stream) {
    bench_copy<<<static_cast<unsigned>(bytes / 16 / (4 * 512)), 512, 0, stream>>>(
        static_cast<uint4 *>(from), static_cast<uint4 *>(to), bytes / 16);
    GPU(cudaGetLastError());
  });
  GPU(cudaFree(from));
  GPU(cudaFree(to));
  return 2.0 * static_cast<double>(bytes) / time * 1e-6;
}

// How a benchmark starts; it ends here where there is no GPU.
static void bench_say_card() {
  if (const char *reason = why_no_gpu()) {
    fprintf(stderr, "%s\n", reason);
    exit(1);
  }
  sks_cuda_load_kernels();
  cudaDeviceProp card;
  GPU(cudaGetDeviceProperties(&card, 0));
  printf("# %s, %d processors\n", card.name, card.multiProcessorCount);
}

#endif
