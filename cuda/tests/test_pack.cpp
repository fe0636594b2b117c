// Weights in the order of device memory give back the numbers that were in the file.
#include "cuda/kernels/element.h"
#include "support/gpu_matrix.hpp"
#include "support/shortened.hpp"

namespace {

std::vector<float> widened(sks_device *device, const void *source, int32_t type, size_t count) {
  std::vector<float> values(count);
  REQUIRE(sks_widen(device, source, type, static_cast<int64_t>(count), values.data()) == SKS_OK,
          "%s", sks_last_error());
  return values;
}

int64_t random_columns(int32_t type, uint64_t *seed) {
  int64_t block = sks_block_of(type).values;
  return block * (1 + rng_below(seed, block == 1 ? 600 : 9));
}

// Of what is narrowed to f16, relative to its size: of Q6_K that is the scales.
double rounding(int32_t source, int32_t type) {
  return type == SKS_F32 || (source == type && type != SKS_Q6_K) ? 0 : 0x1p-11;
}

// `count` rows of a table, and then an id outside of it.
void test_embed(sks_device *device, int32_t source, int32_t type, int count, int64_t columns,
                uint64_t *seed) {
  int64_t rows = 3 + rng_below(seed, 30);
  gpu_matrix table(source, type, rows, columns, false, seed);
  std::vector<float> file =
      widened(device, table.file.data(), source, static_cast<size_t>(rows * columns));
  std::vector<int32_t> ids;
  for (int i = 0; i < count; i++) ids.push_back(static_cast<int32_t>(rng_below(seed, rows)));
  ids.push_back(static_cast<int32_t>(rows));
  gpu_array<int32_t> gpu_ids(ids);
  gpu_array<float> y(ids.size() * static_cast<size_t>(columns));
  GPU(sks_cuda_embed(nullptr, &table.matrix, gpu_ids, static_cast<int32_t>(ids.size()), y));
  std::vector<float> found = y.get();
  for (size_t i = 0; i < ids.size(); i++) {
    const float *row = found.data() + i * static_cast<size_t>(columns);
    for (int64_t c = 0; c < columns; c++) {
      if (ids[i] == rows) {
        CHECK(std::isnan(row[c]), "type %d: id outside the table", type);
        continue;
      }
      float expected = file[static_cast<size_t>(ids[i] * columns + c)];
      // The least that has all of f16's digits; scales have them whatever their size.
      double least = source == type ? 0 : 0x1p-14;
      double tolerance = rounding(source, type) * (fabs(expected) + least);
      CHECK(fabsf(row[c] - expected) <= tolerance, "type %d as %d, row %d, column %lld: %g, not %g",
            source, type, ids[i], (long long)c, row[c], expected);
    }
  }
}

void test_expand(sks_device *device, int32_t type, uint64_t *seed) {
  int64_t columns = random_columns(type, seed), rows = 2 + rng_below(seed, 30);
  gpu_matrix w(type, type, rows, columns, false, seed);
  std::vector<float> file =
      widened(device, w.file.data(), type, static_cast<size_t>(rows * columns));
  int64_t first = rng_below(seed, rows), count = rows - first, stride = columns;
  for (int32_t target : {SKS_F16, SKS_BF16}) {
    gpu_array<uint16_t> halves(static_cast<size_t>(count * stride));
    GPU(sks_cuda_expand(nullptr, &w.matrix, first, count, target, halves, stride));
    std::vector<float> found =
        widened(device, halves.get().data(), target, static_cast<size_t>(count * stride));
    double error = error_of(found.data(), file.data() + first * columns, found.size());
    CHECK(error <= (target == SKS_F16 ? 5e-4 : 4e-3) + rounding(type, type), "type %d: error %g",
          type, error);
  }
}

void test_clamp(uint64_t *seed) {
  std::vector<float> x = random_floats(seed, 1 + static_cast<size_t>(rng_below(seed, 5000)), 3);
  x[0] = NAN;
  gpu_array<float> gpu(x);
  GPU(sks_cuda_clamp(nullptr, gpu, static_cast<int64_t>(x.size()), 1.5f));
  std::vector<float> found = gpu.get();
  CHECK(std::isnan(found[0]), "%g", found[0]);
  for (size_t i = 1; i < x.size(); i++)
    CHECK(found[i] == fminf(fmaxf(x[i], -1.5f), 1.5f), "%g became %g", x[i], found[i]);
}

}  // namespace

int main(int argc, char **argv) {
  uint64_t seed = rng_seed(argc, argv);
  sks_device *device = start_test();
  for (int round = 0; round < shortened(6); round++) {
    for (int32_t type = SKS_F32; type < SKS_TYPES; type++) {
      for (int32_t held : {type, static_cast<int32_t>(SKS_F16), static_cast<int32_t>(SKS_F32)})
        if (sks_cuda_holds(held))
          test_embed(device, type, held, 5, random_columns(type, &seed), &seed);
      if (sks_cuda_holds(type)) test_expand(device, type, &seed);
    }
    test_clamp(&seed);
  }
  // A chunk of as many tokens as there can be.
  test_embed(device, SKS_F16, SKS_F16, shortened(1 << 16), 8, &seed);
  sks_device_close(device);
  return check_report();
}
