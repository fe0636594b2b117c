// The linear layer of one row and of a batch, matrix by matrix, each read from memory: a launch
// goes to the next of several copies, more in all than the second-level cache holds. A batch of f16
// or bf16 weights has its input prepared before each.
#include "core/element.h"
#include "cuda/bench/support.cuh"
#include "cuda/kernels/linear.h"
#include "cuda/kernels/linear_batch.h"

namespace {

struct matrix_shape {
  const char *name;
  int64_t rows, columns;
  int32_t output;
};

const matrix_shape shapes[] = {{"qkv", 12288, 4096, SKS_STORE},
                               {"out", 4096, 4096, SKS_ADD},
                               {"gate_up", 22016, 4096, SKS_SILU_GATE},
                               {"down", 4096, 11008, SKS_ADD},
                               {"head", 32000, 4096, SKS_STORE}};

void measure(const matrix_shape &shape, int32_t type, int32_t rows, double bandwidth) {
  enum { LAUNCHES = 16 };
  std::vector<sks_cuda_matrix> copies;
  double bytes = 0;
  while (copies.size() < 2 || bytes * static_cast<double>(copies.size()) < 4e8) {
    copies.push_back(bench_matrix(type, shape.rows, shape.columns));
    bytes = bench_matrix_bytes(copies[0]);
  }
  float *x = static_cast<float *>(bench_memory(rows * shape.columns, FLOATS, 1));
  float *y = static_cast<float *>(bench_memory(rows * shape.rows, FLOATS, 1));
  float *weight = static_cast<float *>(bench_memory(shape.columns, FLOATS, 1));
  sks_norm norm = {weight, nullptr, 1e-5f, SKS_RMS_NORM};
  void *input = bench_memory(rows * shape.columns, HALVES, 1);
  const sks_norm *used = shape.output == SKS_ADD ? nullptr : &norm;
  double time = bench_median([&](cudaStream_t stream) {
    for (int i = 0; i < LAUNCHES; i++) {
      const sks_cuda_matrix *w = &copies[static_cast<size_t>(i) % copies.size()];
      if (rows > 1 && sks_cuda_linear_batches(w)) {
        GPU(sks_cuda_prepare(stream, used, x, rows, shape.columns, type, input, shape.columns,
                             true));
        GPU(sks_cuda_linear_batch(stream, w, input, shape.columns, rows, y, {}, shape.output,
                                  true));
      } else {
        GPU(sks_cuda_linear(stream, w, used, x, {}, rows, y, shape.output, true));
      }
    }
  });
  time /= LAUNCHES;
  printf("%-8s %-6s %4d %9.2f %8.0f %7.1f%%\n", shape.name, sks_type_name(type), rows, time * 1e3,
         bytes / time * 1e-6, bytes / time * 1e-4 / bandwidth);
  for (const sks_cuda_matrix &w : copies) {
    GPU(cudaFree(const_cast<void *>(w.elements)));
    if (w.scales) GPU(cudaFree(const_cast<void *>(w.scales)));
  }
  GPU(cudaFree(x));
  GPU(cudaFree(y));
  GPU(cudaFree(weight));
  GPU(cudaFree(input));
}

}  // namespace

int main() {
  bench_say_card();
  double bandwidth = bench_copy_bandwidth();
  printf("# copy %.0f GB/s\n%-8s %-6s %4s %9s %8s %8s\n", bandwidth, "matrix", "type", "rows", "us",
         "GB/s", "of copy");
  for (int32_t type : {SKS_F16, SKS_BF16, SKS_Q8_0, SKS_Q4_0, SKS_Q6_K})
    for (const matrix_shape &shape : shapes)
      for (int32_t rows : {1, 2, 4, 8, 16, 32, 64})
        if (rows <= SKS_CUDA_FEW_ROWS || type == SKS_F16 || type == SKS_BF16)
          measure(shape, type, rows, bandwidth);
  return 0;
}
