// The linear layer of a few rows and of a batch, and what surrounds products, against the reference
// kernels of the CPU.
#include <algorithm>

#include "cuda/kernels/element.h"
#include "cuda/kernels/linear.h"
#include "cuda/kernels/linear_batch.h"
#include "cuda/kernels/norm.h"
#include "support/gpu_matrix.hpp"
#include "support/linear_reference.hpp"
#include "support/shortened.hpp"

namespace {

struct random_norm {
  std::vector<float> weight_values, bias_values;
  gpu_array<float> weight, bias;
  sks_norm host, gpu;
  bool used;

  random_norm(int64_t columns, uint64_t *seed)
      : weight_values(random_floats(seed, static_cast<size_t>(columns), 2)),
        bias_values(random_floats(seed, static_cast<size_t>(columns), 1)),
        weight(weight_values),
        bias(bias_values) {
    int64_t kind = rng_below(seed, 4);
    used = kind > 0;
    bool layer = kind > 1;
    host = {weight_values.data(), kind == 3 ? bias_values.data() : nullptr, 1e-5f,
            layer ? SKS_LAYER_NORM : SKS_RMS_NORM};
    gpu = host;
    gpu.weight = weight;
    gpu.bias = kind == 3 ? static_cast<float *>(bias) : nullptr;
  }
};

// Rounding of the input to 16 bits in blocks shows with quantised weights.
double tolerance(int32_t type) { return type >= SKS_Q8_0 ? 2e-4 : 4e-6; }

// Up to all widths; tools that look at every access of shared memory need narrow ones to end.
int64_t random_columns(int32_t type, uint64_t *seed) {
  const int64_t most = shortened(2 * 24832, 512);
  if (type >= SKS_Q8_0) {
    const int64_t block = sks_block_of(type).values;
    const int64_t widths[] = {block, 2 * block, 3 * block, 2048, 4096, 5632, 11008, 18176, 24832};
    const int64_t columns = rng_below(seed, 2) ? widths[rng_below(seed, 9)]
                                               : block * (1 + rng_below(seed, 3200 / block));
    return std::min(columns, most / block * block);
  }
  const int64_t widths[] = {1, 7, 64, 2048, 4096, 4544, 5120, 5632, 11008, 18176};
  const int64_t columns =
      rng_below(seed, 2) ? widths[rng_below(seed, 10)] : 1 + rng_below(seed, 3000);
  return std::min(columns, most);
}

// Rows of x as SKS_CUDA_NUMBERS.
std::vector<uint16_t> left_numbers(const std::vector<float> &x, int32_t rows, int64_t columns) {
  int64_t stride = sks_cuda_number_stride(columns);
  std::vector<uint16_t> left(static_cast<size_t>(rows * stride));
  for (int64_t r = 0; r < rows; r++)
    for (int32_t block = 0; block < columns / 32; block++) {
      const float *of = &x[static_cast<size_t>(r * columns + block * 32)];
      uint16_t *row = &left[static_cast<size_t>(r * stride)];
      float largest = 0;
      for (int i = 0; i < 32; i++) largest = std::max(largest, std::fabs(of[i]));
      float scale = largest / 32767;
      for (int i = 0; i < 32; i++)
        row[sks_cuda_number_at(static_cast<int32_t>(columns), block * 32 + i)] =
            static_cast<uint16_t>(std::lrint(scale > 0 ? of[i] / scale : 0));
      memcpy(row + columns + block * 2, &scale, sizeof scale);
    }
  return left;
}

void test_shape(sks_device *device, int32_t type, int32_t rows, uint64_t *seed) {
  int64_t columns = random_columns(type, seed);
  int64_t channels = 8 * (1 + rng_below(seed, shortened(rng_below(seed, 4) ? 20 : 400, 3)));
  int32_t output = static_cast<int32_t>(rng_below(seed, 5));
  if (output != SKS_SILU_GATE) channels -= rng_below(seed, 8);
  if (output == SKS_SILU_GATE && type < SKS_Q8_0) channels -= 2 * rng_below(seed, 4);
  gpu_matrix w(type, type, channels, columns, rng_below(seed, 2), seed);
  random_norm norm(columns, seed);
  int64_t y_columns = output == SKS_SILU_GATE ? channels / 2 : channels;
  std::vector<float> x = random_floats(seed, static_cast<size_t>(rows * columns), 3);
  std::vector<float> y = random_floats(seed, static_cast<size_t>(rows * y_columns), 1);

  gpu_array<float> gpu_x(x), gpu_y(y);
  if (output != SKS_ADD) gpu_y.poison();
  const sks_norm *gpu_norm = norm.used ? &norm.gpu : nullptr;
  bool overlap = rng_below(seed, 2);
  GPU(sks_cuda_linear(nullptr, &w.matrix, gpu_norm, gpu_x, {}, rows, gpu_y, output, overlap));
  std::vector<float> found = gpu_y.get();
  const expected_rows expected =
      expected_linear(device, w, type, norm.used ? &norm.host : nullptr, x, rows, y, output);
  double error = expected.error(found);
  CHECK(error <= tolerance(type), "type %d, %lld x %lld, %d rows, output %d, norm %d: error %g",
        type, (long long)channels, (long long)columns, rows, output,
        norm.used ? 1 + norm.host.kind : 0, error);

  if (!norm.used && type >= SKS_Q8_0) {
    gpu_array<uint16_t> left(left_numbers(x, rows, columns));
    gpu_array<float> z(y);
    if (output != SKS_ADD) z.poison();
    sks_cuda_rounded in = {left, sks_cuda_number_stride(columns), SKS_CUDA_NUMBERS};
    GPU(sks_cuda_linear(nullptr, &w.matrix, nullptr, gpu_x, in, rows, z, output, overlap));
    error = expected.error(z.get());
    CHECK(error <= tolerance(type), "type %d, %lld x %lld, %d rows of numbers: error %g", type,
          (long long)channels, (long long)columns, rows, error);
  }

  // Each row alone, bit for bit.
  int32_t alone = shortened(rows);
  y.resize(static_cast<size_t>(alone * y_columns));
  found.resize(y.size());
  gpu_array<float> again(y);
  if (output != SKS_ADD) again.poison();
  for (int32_t r = 0; r < alone; r++)
    GPU(sks_cuda_linear(nullptr, &w.matrix, gpu_norm, gpu_x + r * columns, {}, 1,
                        again + r * y_columns, output, true));
  CHECK(same_bits(again.get(), found), "type %d, %lld x %lld: a row depends on those beside it",
        type, (long long)channels, (long long)columns);
}

// Rows of zeros, of what is as good as zero, and with what is no number or too large for one.
void test_odd_inputs(int32_t type, uint64_t *seed) {
  const int64_t columns = 512, channels = 32;
  const gpu_matrix w(type, type, channels, columns, true, seed);
  const auto run = [&](const std::vector<float> &x) {
    gpu_array<float> gpu_x(x), y(static_cast<size_t>(channels));
    GPU(sks_cuda_linear(nullptr, &w.matrix, nullptr, gpu_x, {}, 1, y, SKS_STORE, true));
    return y.get();
  };
  const std::vector<float> of_zeros = run(std::vector<float>(columns, 0.0f));
  const std::vector<float> of_tiny = run(std::vector<float>(columns, 1e-36f));
  for (size_t i = 0; i < of_zeros.size(); i++) {
    CHECK(of_zeros[i] == w.bias_values[i], "type %d: %g of zeros, not %g", type, of_zeros[i],
          w.bias_values[i]);
    CHECK(std::fabs(of_tiny[i] - w.bias_values[i]) <= 1e-30f, "type %d: %g of tiny ones, not %g",
          type, of_tiny[i], w.bias_values[i]);
  }
  for (float odd : {NAN, INFINITY, -INFINITY}) {
    std::vector<float> x = random_floats(seed, static_cast<size_t>(columns), 3);
    x[static_cast<size_t>(rng_below(seed, columns))] = odd;
    for (float sum : run(x)) CHECK(!std::isfinite(sum), "type %d: %g with %g", type, sum, odd);
  }
}

// Rows of x as prepare leaves them for the layer of a batch, on both sides.
struct prepared_rows {
  int64_t stride;
  gpu_array<uint16_t> halves;
  std::vector<float> values;  // [rows, columns]: what the halves are

  prepared_rows(sks_device *device, int32_t type, const sks_norm *norm, const float *x,
                int32_t rows, int64_t columns)
      : stride(sks_cuda_rounded_stride(columns)), halves(static_cast<size_t>(rows * stride)) {
    GPU(sks_cuda_prepare(nullptr, norm, x, rows, columns, type, halves, stride, true));
    std::vector<uint16_t> found = halves.get();
    values.resize(static_cast<size_t>(rows * columns));
    for (int64_t r = 0; r < rows; r++)
      REQUIRE(sks_widen(device, found.data() + r * stride, type, columns,
                        values.data() + r * columns) == SKS_OK,
              "%s", sks_last_error());
  }
};

void test_batch(sks_device *device, int32_t type, int32_t rows, int64_t channels, int64_t columns,
                int32_t output, uint64_t *seed) {
  gpu_matrix w(type, type, channels, columns, rng_below(seed, 2), seed);
  random_norm norm(columns, seed);
  int64_t y_columns = output == SKS_SILU_GATE ? channels / 2 : channels;
  gpu_array<float> x(random_floats(seed, static_cast<size_t>(rows * columns), 3));
  prepared_rows in(device, type, norm.used ? &norm.gpu : nullptr, x, rows, columns);
  std::vector<float> y = random_floats(seed, static_cast<size_t>(rows * y_columns), 1);

  const size_t behind = 64;  // floats that nobody writes
  std::vector<float> start = y;
  start.resize(y.size() + behind, 1.5f);
  const int64_t stride = sks_cuda_rounded_stride(y_columns);
  gpu_array<uint16_t> rounded(static_cast<size_t>(rows * stride));
  auto run = [&](const std::vector<int32_t> &parts, bool overlap) {
    gpu_array<float> gpu_y(start);
    if (output != SKS_ADD) GPU(cudaMemset(gpu_y, 0xff, y.size() * sizeof(float)));
    GPU(cudaMemset(rounded, 0, static_cast<size_t>(rows * stride) * sizeof(uint16_t)));
    int64_t first = 0;
    for (int32_t part : parts) {
      sks_cuda_rounded to = {output == SKS_ADD ? nullptr : rounded + first * stride, stride, type};
      GPU(sks_cuda_linear_batch(nullptr, &w.matrix, in.halves + first * in.stride, in.stride, part,
                                gpu_y + first * y_columns, to, output, overlap));
      first += part;
    }
    std::vector<float> found = gpu_y.get();
    for (size_t i = y.size(); i < found.size(); i++)
      CHECK(found[i] == 1.5f, "float %zu behind y is %g", i - y.size(), found[i]);
    found.resize(y.size());
    return found;
  };
  std::vector<float> found = run({rows}, rng_below(seed, 2));
  const double error =
      expected_linear(device, w, type, nullptr, in.values, rows, y, output).error(found);
  // Tensor cores cut the last bits of a sum, which a float32 unit rounds: that adds up.
  CHECK(error <= tolerance(type) + 8e-9 * static_cast<double>(columns),
        "batch, type %d, %lld x %lld, %d rows, output %d, norm %d: error %g", type,
        (long long)channels, (long long)columns, rows, output, norm.used ? 1 + norm.host.kind : 0,
        error);
  if (output != SKS_ADD) {
    gpu_array<float> gpu_y(found);
    prepared_rows expected_rounded(device, type, nullptr, gpu_y, rows, y_columns);
    CHECK(rounded.get() == expected_rounded.halves.get(), "type %d, %lld x %lld: y rounded", type,
          (long long)channels, (long long)columns);
  }

  // In other company, bit for bit.
  std::vector<int32_t> parts;
  for (int32_t left = rows; left > 0; left -= parts.back())
    parts.push_back(static_cast<int32_t>(1 + rng_below(seed, left)));
  CHECK(same_bits(run(parts, true), found),
        "type %d, %lld x %lld: a row depends on those beside it", type, (long long)channels,
        (long long)columns);
  CHECK(same_bits(run({rows}, true), found), "type %d, %lld x %lld, %d rows: a run differs", type,
        (long long)channels, (long long)columns, rows);
}

void test_any_batch(sks_device *device, int32_t type, int32_t rows, uint64_t *seed) {
  int64_t columns = random_columns(type, seed);
  int64_t channels = 2 * (1 + rng_below(seed, shortened(rng_below(seed, 4) ? 80 : 1600, 40)));
  int32_t output = static_cast<int32_t>(rng_below(seed, 5));
  if (output != SKS_SILU_GATE) channels -= rng_below(seed, 2);
  test_batch(device, type, rows, channels, columns, output, seed);
}

// Matrices of as many channels as it takes for each way to cut them, on a card of 132 processors.
void test_batch_cuts(sks_device *device, uint64_t *seed) {
  const int64_t cuts[] = {6000, 8192, 12671, 16000, 22000, 33000, 60001};
  for (int i = 0; i < shortened(7); i++)
    for (int32_t output : {SKS_STORE, SKS_ADD, SKS_SILU_GATE})
      if (output != SKS_SILU_GATE || cuts[i] % 2 == 0)
        test_batch(device, rng_below(seed, 2) ? SKS_F16 : SKS_BF16,
                   static_cast<int32_t>(1 + rng_below(seed, SKS_CUDA_BATCH_ROWS)), cuts[i],
                   1 + rng_below(seed, 300), output, seed);
}

// Of layers that follow each other. Never so small that no ring comes round to its first stage.
struct chain_sizes {
  int64_t width = 8 * shortened(512, 128), hidden = 8 * shortened(1376, 576);
  int runs = shortened(5, 2);
};

// A chain of launches that may overlap, repeated: x -> y -> x, with a residual.
void test_chain(uint64_t *seed) {
  const int layers = shortened(8);
  const auto [width, hidden, runs] = chain_sizes();
  gpu_matrix up(SKS_F16, SKS_F16, 2 * hidden, width, false, seed);
  gpu_matrix down(SKS_F16, SKS_F16, width, hidden, false, seed);
  size_t floats = static_cast<size_t>(width);
  std::vector<float> ones(floats, 0.02f), start = random_floats(seed, floats, 1), first;
  gpu_array<float> weight(ones), x(floats), y(static_cast<size_t>(hidden));
  sks_norm norm = {weight, nullptr, 1e-5f, SKS_RMS_NORM};
  for (int run = 0; run < runs; run++) {
    bool overlap = run > 0;
    x.put(start);
    y.poison();
    for (int layer = 0; layer < layers; layer++) {
      GPU(sks_cuda_linear(nullptr, &up.matrix, &norm, x, {}, 1, y, SKS_SILU_GATE, overlap));
      GPU(sks_cuda_linear(nullptr, &down.matrix, nullptr, y, {}, 1, x, SKS_ADD, overlap));
    }
    std::vector<float> found = x.get();
    CHECK(error_of(found.data(), found.data(), found.size()) == 0, "run %d: no numbers", run);
    if (run == 0) first = found;
    CHECK(same_bits(found, first), "run %d differs from the first", run);
  }
}

// The same with a batch, whose input is prepared between.
void test_batch_chain(int32_t rows, uint64_t *seed) {
  const int layers = shortened(4);
  const auto [width, hidden, runs] = chain_sizes();
  gpu_matrix up(SKS_F16, SKS_F16, 2 * hidden, width, false, seed);
  gpu_matrix down(SKS_F16, SKS_F16, width, hidden, false, seed);
  std::vector<float> ones(static_cast<size_t>(width), 0.02f), first;
  std::vector<float> start = random_floats(seed, static_cast<size_t>(rows * width), 1);
  gpu_array<float> weight(ones), x(start.size()), y(static_cast<size_t>(rows * hidden));
  gpu_array<uint16_t> halves(static_cast<size_t>(rows * hidden));
  sks_norm norm = {weight, nullptr, 1e-5f, SKS_RMS_NORM};
  for (int run = 0; run < runs; run++) {
    bool overlap = run > 0;
    x.put(start);
    y.poison();
    for (int layer = 0; layer < layers; layer++) {
      GPU(sks_cuda_prepare(nullptr, &norm, x, rows, width, SKS_F16, halves, width, overlap));
      GPU(sks_cuda_linear_batch(nullptr, &up.matrix, halves, width, rows, y, {}, SKS_SILU_GATE,
                                overlap));
      GPU(sks_cuda_prepare(nullptr, nullptr, y, rows, hidden, SKS_F16, halves, hidden, overlap));
      GPU(sks_cuda_linear_batch(nullptr, &down.matrix, halves, hidden, rows, x, {}, SKS_ADD,
                                overlap));
    }
    std::vector<float> found = x.get();
    CHECK(error_of(found.data(), found.data(), found.size()) == 0, "run %d: no numbers", run);
    if (run == 0) first = found;
    CHECK(same_bits(found, first), "%d rows: run %d differs from the first", rows, run);
  }
}

void test_norm(sks_device *device, uint64_t *seed) {
  int32_t rows = static_cast<int32_t>(1 + rng_below(seed, shortened(40, 4)));
  int32_t columns = static_cast<int32_t>(1 + rng_below(seed, 6000));
  random_norm norm(columns, seed);
  std::vector<float> x = random_floats(seed, static_cast<size_t>(rows) * columns, 5), y(x.size());
  REQUIRE(sks_normalize(device, &norm.host, x.data(), rows, columns, y.data()) == SKS_OK, "%s",
          sks_last_error());
  gpu_array<float> gpu_x(x), gpu_y(x.size());
  GPU(sks_cuda_normalize(nullptr, &norm.gpu, gpu_x, rows, columns, gpu_y));
  double error = error_of(gpu_y.get().data(), y.data(), y.size());
  CHECK(error <= 4e-6, "%d x %d, kind %d: error %g", rows, columns, norm.host.kind, error);
  GPU(sks_cuda_normalize(nullptr, &norm.gpu, gpu_x, rows, columns, gpu_x));
  CHECK(same_bits(gpu_x.get(), gpu_y.get()), "%d x %d: in place differs", rows, columns);

  // Rounded to f16 behind a stride, zero up to it.
  int64_t stride = columns + rng_below(seed, 9);
  gpu_array<uint16_t> halves(static_cast<size_t>(rows * stride));
  gpu_x.put(x);
  GPU(sks_cuda_prepare(nullptr, &norm.gpu, gpu_x, rows, columns, SKS_F16, halves, stride, true));
  std::vector<uint16_t> found = halves.get();
  std::vector<float> widened(found.size());
  REQUIRE(sks_widen(device, found.data(), SKS_F16, static_cast<int64_t>(found.size()),
                    widened.data()) == SKS_OK,
          "%s", sks_last_error());
  for (int32_t r = 0; r < rows; r++) {
    const float *row = widened.data() + r * stride;
    error =
        error_of(row, y.data() + static_cast<int64_t>(r) * columns, static_cast<size_t>(columns));
    CHECK(error <= 6e-4, "%d x %d: f16 error %g", rows, columns, error);
    for (int64_t c = columns; c < stride; c++) CHECK(row[c] == 0, "column %lld", (long long)c);
  }
}

// The product of many rows in parts: its output through finish is that of linear.
void test_finish(sks_device *device, uint64_t *seed) {
  int32_t output = static_cast<int32_t>(rng_below(seed, 5));
  int32_t rows = static_cast<int32_t>(1 + rng_below(seed, 30));
  int64_t channels = 2 * (1 + rng_below(seed, shortened(700, 40)));
  gpu_matrix w(SKS_F32, SKS_F32, channels, 8, true, seed);
  int64_t y_columns = output == SKS_SILU_GATE ? channels / 2 : channels;
  std::vector<float> x = random_floats(seed, static_cast<size_t>(rows) * 8, 3);
  std::vector<float> y = random_floats(seed, static_cast<size_t>(rows * y_columns), 1);
  gpu_array<float> gpu_x(x), z(static_cast<size_t>(rows * channels)), gpu_y(y);
  sks_cuda_matrix plain = w.matrix;
  plain.bias = nullptr;
  GPU(sks_cuda_linear(nullptr, &plain, nullptr, gpu_x, {}, rows, z, SKS_STORE, false));
  if (output != SKS_ADD) gpu_y.poison();
  GPU(sks_cuda_finish(nullptr, z, w.bias, rows, channels, gpu_y, output, true));
  const double error =
      expected_linear(device, w, SKS_F32, nullptr, x, rows, y, output).error(gpu_y.get());
  CHECK(error <= 4e-6, "%d rows, %lld channels, output %d: error %g", rows, (long long)channels,
        output, error);
}

}  // namespace

int main(int argc, char **argv) {
  uint64_t seed = rng_seed(argc, argv);
  sks_device *device = start_test();
  for (int32_t round = 0; round < shortened(12); round++)
    for (int32_t type = SKS_F32; type < SKS_TYPES; type++)
      if (sks_cuda_holds(type)) test_shape(device, type, 7 - round % 7, &seed);
  for (int32_t type = SKS_F32; type < SKS_TYPES; type++)
    if (sks_cuda_holds(type)) test_odd_inputs(type, &seed);
  test_chain(&seed);
  const sks_cuda_matrix any = {SKS_F16, 1, 1, nullptr, nullptr, nullptr};
  if (sks_cuda_linear_batches(&any)) {
    for (int32_t i = 0; i < shortened(SKS_CUDA_BATCH_ROWS, 2); i++)
      test_any_batch(device, (i < 2 ? i : rng_below(&seed, 2)) ? SKS_BF16 : SKS_F16,
                     SKS_CUDA_BATCH_ROWS - i, &seed);
    test_batch_cuts(device, &seed);
    const int32_t batches[] = {SKS_CUDA_BATCH_ROWS, 17, 2};
    for (int i = 0; i < shortened(3); i++) test_batch_chain(batches[i], &seed);
  }
  for (int round = 0; round < shortened(20); round++) {
    test_norm(device, &seed);
    test_finish(device, &seed);
  }
  sks_device_close(device);
  return check_report();
}
