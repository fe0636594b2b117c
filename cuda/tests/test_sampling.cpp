// Sampling on the device against the CPU: ties, NaN and infinities among the logits.
#include <algorithm>

#include "cuda/kernels/sampling.h"
#include "support/gpu.hpp"
#include "support/shortened.hpp"

namespace {

std::vector<float> random_logits(size_t count, uint64_t *seed) {
  std::vector<float> x = random_floats(seed, count, 10);
  int64_t kind = rng_below(seed, 6);
  float rising = 0;
  for (float &value : x) {
    if (kind == 5) value = rising++;      // the largest are neighbours
    if (kind == 1) value = rintf(value);  // many are equal
    if (kind == 2) value *= 0.0f;         // 0 and -0
    if ((kind == 3 || kind == 4) && rng_below(seed, 3) == 0) value = kind == 3 ? NAN : -INFINITY;
  }
  return x;
}

constexpr int32_t MOST_ROWS = 70;  // of more blocks than the device has processors

void test_top_k(sks_device *device, char *scratch, uint64_t *seed) {
  const int64_t sizes[] = {50, 3000, 70000, 300000};
  int32_t count = static_cast<int32_t>(1 + rng_below(seed, sizes[rng_below(seed, 4)]));
  int32_t most = std::min(count, rng_below(seed, 2) ? 100 : static_cast<int32_t>(SKS_CUDA_MOST_K));
  int32_t k = rng_below(seed, 4) ? static_cast<int32_t>(1 + rng_below(seed, most)) : 1;
  int32_t most_rows = count < 4000 ? MOST_ROWS : 9;
  int32_t rows = rng_below(seed, 2) ? static_cast<int32_t>(1 + rng_below(seed, most_rows)) : 1;
  std::vector<float> x;
  for (int32_t r = 0; r < rows; r++) {
    std::vector<float> row = random_logits(static_cast<size_t>(count), seed);
    x.insert(x.end(), row.begin(), row.end());
  }
  const size_t all = static_cast<size_t>(rows) * static_cast<size_t>(k);
  std::vector<float> values(all);
  std::vector<int32_t> expected(all);
  REQUIRE(sks_top_k(device, x.data(), rows, count, k, expected.data(), values.data()) == SKS_OK,
          "%s", sks_last_error());
  gpu_array<float> logits(x), found(all);
  gpu_array<int32_t> indices(all);
  gpu_array<uint32_t> answered(1);
  uint32_t serial = static_cast<uint32_t>(rng_below(seed, 1000));
  sks_cuda_top to = {indices, found, nullptr, answered, serial};
  GPU(sks_cuda_top_k(nullptr, logits, rows, count, k, nullptr, scratch, &to));
  CHECK(answered.get()[0] == serial, "%u, not %u", answered.get()[0], serial);
  CHECK(indices.get() == expected, "%d of %d, %d rows", k, count, rows);
  std::vector<float> got = found.get();
  for (size_t i = 0; i < all; i++) {
    float value = values[i], its = got[i];
    CHECK(its == value || (its != its && value != value), "%zu: %g, not %g", i, its, value);
  }
}

// As the CPU chooses.
void test_choice(sks_device *device, char *scratch, uint64_t *seed) {
  int32_t count = static_cast<int32_t>(1 + rng_below(seed, rng_below(seed, 2) ? 50 : 70000));
  int32_t rows = static_cast<int32_t>(1 + rng_below(seed, count < 4000 ? MOST_ROWS : 9));
  sks_cuda_banned banned = {};
  banned.count =
      static_cast<int32_t>(rng_below(seed, std::min<int32_t>(count, SKS_MOST_BANNED + 1)));
  std::vector<float> x;
  for (int32_t r = 0; r < rows; r++) {
    std::vector<float> row = random_logits(static_cast<size_t>(count), seed);
    x.insert(x.end(), row.begin(), row.end());
  }
  for (int32_t i = 0; i < banned.count; i++)
    banned.indices[i] = static_cast<int32_t>(rng_below(seed, count));
  if (banned.count > 0)  // which shows
    banned.indices[0] =
        static_cast<int32_t>(std::max_element(x.begin(), x.begin() + count) - x.begin());
  sks_choice *choice;
  std::vector<int32_t> expected(static_cast<size_t>(rows));
  REQUIRE(sks_choice_create(device, rows, &choice) == SKS_OK, "%s", sks_last_error());
  REQUIRE(sks_choose(choice, x.data(), rows, count, banned.indices, banned.count,
                     expected.data()) == SKS_OK,
          "%s", sks_last_error());
  sks_choice_destroy(choice);
  gpu_array<float> logits(x), values(static_cast<size_t>(rows));
  gpu_array<int32_t> indices(expected.size()), ids(expected.size());
  gpu_array<uint32_t> answered(1);
  sks_cuda_top to = {indices, values, ids, answered, 1};
  GPU(sks_cuda_top_k(nullptr, logits, rows, count, 1, &banned, scratch, &to));
  CHECK(indices.get() == expected, "%d rows of %d, %d banned", rows, count, banned.count);
  CHECK(ids.get() == expected, "%d rows of %d, %d banned: ids", rows, count, banned.count);
}

void test_nll(sks_device *device, uint64_t *seed) {
  int32_t rows = static_cast<int32_t>(1 + rng_below(seed, 9));
  int32_t count = static_cast<int32_t>(1 + rng_below(seed, 40000));
  std::vector<float> x = random_logits(static_cast<size_t>(rows) * count, seed);
  std::vector<int32_t> targets;
  for (int32_t r = 0; r < rows; r++)
    targets.push_back(static_cast<int32_t>(rng_below(seed, count)));
  std::vector<double> expected(static_cast<size_t>(rows));
  REQUIRE(sks_nll(device, x.data(), rows, count, targets.data(), expected.data()) == SKS_OK, "%s",
          sks_last_error());
  gpu_array<float> logits(x);
  gpu_array<int32_t> gpu_targets(targets);
  gpu_array<double> loss(expected.size());
  GPU(sks_cuda_nll(nullptr, logits, rows, count, gpu_targets, loss));
  std::vector<double> found = loss.get();
  for (size_t r = 0; r < expected.size(); r++) {
    bool same = std::isnan(expected[r])   ? std::isnan(found[r])
                : std::isinf(expected[r]) ? found[r] == expected[r]
                                          : fabs(found[r] - expected[r]) <= 1e-9 * count;
    CHECK(same, "row %zu of %d: %g, not %g", r, count, found[r], expected[r]);
  }
}

}  // namespace

int main(int argc, char **argv) {
  uint64_t seed = rng_seed(argc, argv);
  sks_device *device = start_test();
  gpu_array<char> scratch(MOST_ROWS * SKS_CUDA_TOP_SCRATCH);  // the same one all the time
  scratch.zero();
  for (int round = 0; round < shortened(30); round++) {
    test_top_k(device, scratch, &seed);
    test_choice(device, scratch, &seed);
    test_nll(device, &seed);
  }
  sks_device_close(device);
  return check_report();
}
