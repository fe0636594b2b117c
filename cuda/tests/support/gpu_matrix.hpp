// Random weights on both sides.
#ifndef SINKSTREAM_CUDA_TESTS_SUPPORT_GPU_MATRIX_HPP
#define SINKSTREAM_CUDA_TESTS_SUPPORT_GPU_MATRIX_HPP

#include "cuda/kernels/pack.h"
#include "support/gpu.hpp"

struct gpu_matrix {
  std::vector<char> file;  // as files hold it
  std::vector<float> bias_values;
  gpu_array<char> elements, scales;
  gpu_array<float> bias;
  sks_cuda_matrix matrix;

  // `source` is the type of the file, `type` that of the matrix.
  gpu_matrix(int32_t source, int32_t type, int64_t rows, int64_t columns, bool with_bias,
             uint64_t *seed)
      : file(static_cast<size_t>(sks_bytes_of(source, rows * columns))),
        bias_values(random_floats(seed, with_bias ? static_cast<size_t>(rows) : 0, 1)),
        elements(static_cast<size_t>(sks_cuda_element_bytes(type, rows, columns))),
        scales(static_cast<size_t>(sks_cuda_scale_bytes(type, rows, columns))),
        bias(bias_values) {
    weights_fill(source, rows * columns, seed, file.data());
    matrix = {type,
              rows,
              columns,
              elements,
              sks_cuda_scale_bytes(type, rows, columns) ? static_cast<char *>(scales) : nullptr,
              with_bias ? static_cast<float *>(bias) : nullptr};
    // In two pieces, at an odd address.
    gpu_array<char> staged(file.size() + 1);
    GPU(cudaMemcpy(staged + 1, file.data(), file.size(), cudaMemcpyHostToDevice));
    int64_t half = rows / 2, row_bytes = sks_bytes_of(source, columns);
    GPU(sks_cuda_pack(nullptr, staged + 1 + half * row_bytes, source, half, rows - half, &matrix));
    GPU(sks_cuda_pack(nullptr, staged + 1, source, 0, half, &matrix));
    GPU(cudaDeviceSynchronize());
  }
};

#endif
