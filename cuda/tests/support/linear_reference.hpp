// What the CPU's reference says of a linear layer, and how far from it a device may be.
#ifndef SINKSTREAM_CUDA_TESTS_SUPPORT_LINEAR_REFERENCE_HPP
#define SINKSTREAM_CUDA_TESTS_SUPPORT_LINEAR_REFERENCE_HPP

#include <numeric>

#include "cuda/kernels/element.h"
#include "support/gpu_matrix.hpp"

// The weights as the device has them, in float32: those of Q6_K have rounded scales.
inline std::vector<float> held_weights(const sks_cuda_matrix &matrix) {
  std::vector<int32_t> ids(static_cast<size_t>(matrix.rows));
  std::iota(ids.begin(), ids.end(), 0);
  gpu_array<int32_t> gpu_ids(ids);
  gpu_array<float> values(static_cast<size_t>(matrix.rows * matrix.columns));
  GPU(sks_cuda_embed(nullptr, &matrix, gpu_ids, static_cast<int32_t>(matrix.rows), values));
  return values.get();
}

// The layer on the CPU.
class reference_layer {
 public:
  reference_layer(sks_device *device, const gpu_matrix &w, int32_t type,
                  const std::vector<float> &held, int32_t rows, bool gated)
      : channels(w.matrix.rows) {
    const int64_t parts = gated ? 2 : 1, columns = w.matrix.columns;
    const char *data = w.file.data();
    if (type == SKS_Q6_K) {
      data = reinterpret_cast<const char *>(held.data());
      type = SKS_F32;
    }
    sks_weight_part part[2];
    for (int64_t i = 0; i < parts; i++) {
      const int64_t first = i * channels / parts;
      part[i] = {data + sks_bytes_of(type, first * columns),
                 w.bias_values.empty() ? nullptr : w.bias_values.data() + first, channels / parts,
                 type, 0};
    }
    REQUIRE(
        sks_weights_create(device, columns, part, static_cast<int32_t>(parts), &weights) == SKS_OK,
        "%s", sks_last_error());
    REQUIRE(sks_workspace_create(device, rows, static_cast<int32_t>(columns), &workspace) == SKS_OK,
            "%s", sks_last_error());
  }
  reference_layer(const reference_layer &) = delete;
  ~reference_layer() {
    sks_workspace_destroy(workspace);
    sks_weights_destroy(weights);
  }
  std::vector<float> run(const sks_norm *norm, const std::vector<float> &x, int32_t rows,
                         std::vector<float> y, int32_t output) const {
    REQUIRE(sks_linear(workspace, weights, norm, x.data(), rows, y.data(), output) == SKS_OK, "%s",
            sks_last_error());
    return y;
  }

 private:
  int64_t channels;
  sks_weights *weights;
  sks_workspace *workspace;
};

// Of each row: the root of the mean of its squares, times `factor`.
inline std::vector<double> sizes_of(const std::vector<float> &values, int64_t columns,
                                    double factor) {
  std::vector<double> sizes(values.size() / static_cast<size_t>(columns));
  for (size_t r = 0; r < sizes.size(); r++) {
    const float *row = &values[r * static_cast<size_t>(columns)];
    double sum = 0;
    for (int64_t c = 0; c < columns; c++) sum += static_cast<double>(row[c]) * row[c];
    sizes[r] = factor * std::sqrt(sum / static_cast<double>(columns));
  }
  return sizes;
}

// What the reference says, and what an error of each number is relative to: not itself, as it may
// be what a sum leaves of far larger terms.
struct expected_rows {
  std::vector<float> y;
  std::vector<double> sizes;

  // The largest; NaN where there is one.
  double error(const std::vector<float> &found) const {
    double largest = 0;
    for (size_t i = 0; i < y.size(); i++) {
      const double error = std::fabs(static_cast<double>(found[i]) - y[i]) / sizes[i];
      largest = worse_error(largest, error);
    }
    return largest;
  }
};

inline expected_rows expected_linear(sks_device *device, const gpu_matrix &w, int32_t type,
                                     const sks_norm *norm, const std::vector<float> &x,
                                     int32_t rows, const std::vector<float> &y, int32_t output) {
  const bool gated = output == SKS_SILU_GATE;
  const int64_t columns = w.matrix.columns, y_columns = w.matrix.rows / (gated ? 2 : 1);
  const std::vector<float> held = held_weights(w.matrix);
  const reference_layer layer(device, w, type, held, rows, gated);
  std::vector<float> input = x, z;
  if (norm)
    REQUIRE(sks_normalize(device, norm, x.data(), rows, static_cast<int32_t>(columns),
                          input.data()) == SKS_OK,
            "%s", sks_last_error());
  if (gated)
    z = layer.run(norm, x, rows, std::vector<float>(static_cast<size_t>(rows * w.matrix.rows)),
                  SKS_STORE);

  // As large as a sum of such products is if their signs are random.
  const std::vector<double> of_weights = sizes_of(held, columns, std::sqrt(columns));
  const std::vector<double> of_input = sizes_of(input, columns, 1);
  expected_rows expected = {layer.run(norm, x, rows, y, output), {}};
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < y_columns; c++) {
      const auto size = [&](int64_t channel) {
        const float bias = w.bias_values.empty() ? 0 : w.bias_values[static_cast<size_t>(channel)];
        return of_weights[static_cast<size_t>(channel)] * of_input[static_cast<size_t>(r)] +
               std::fabs(bias) + 1e-30;
      };
      double its = size(c);
      if (output == SKS_ADD) its += std::fabs(y[static_cast<size_t>(r * y_columns + c)]);
      if (gated) {
        // Of a product: each factor's, times the other one.
        const float *row = &z[static_cast<size_t>(r * w.matrix.rows)];
        its = its * std::fabs(row[y_columns + c]) + std::fabs(row[c]) * size(y_columns + c);
      }
      expected.sizes.push_back(its);
    }
  return expected;
}

#endif
