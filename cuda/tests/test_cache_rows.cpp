// States and eviction by range: rows of device caches are those of the CPU's.
#include "support/gpu_streams.hpp"
#include "support/shortened.hpp"

namespace {

struct copy_of_rows {
  int64_t tokens = 0, layer_bytes;
  sks_span spans[SKS_SPANS];
  copy_of_rows(const gpu_streams &s, const sks_cache *cache) {
    int64_t position = cache->position, sinks = position < s.spec.sinks ? position : s.spec.sinks;
    int64_t first = sks_first_kept(&cache->ring, cache->stored_end);
    sks_spans_of(&cache->ring, sinks, first, position > first ? position - first : 0, spans);
    for (const sks_span &span : spans) tokens += span.count;
    layer_bytes = tokens * 2 * s.spec.kv_heads * sks_kv_row_bytes(s.spec.type, s.spec.head_dim);
  }
};

std::vector<char> device_rows(gpu_streams &s, const copy_of_rows &rows) {
  gpu_array<char> packed(static_cast<size_t>(rows.layer_bytes * s.spec.layers));
  for (int32_t layer = 0; layer < s.spec.layers; layer++)
    GPU(sks_cuda_cache_export(nullptr, &s.gpu, &s.gpu_caches[0], layer, rows.spans,
                              packed + layer * rows.layer_bytes));
  return packed.get();
}

void append_on_cpu(gpu_streams &s, int32_t count, uint64_t *seed) {
  std::vector<int32_t> places;
  s.begin({count}, false, &places);
  for (int32_t layer = 0; layer < s.spec.layers; layer++)
    s.expected_layer(layer, random_floats(seed, static_cast<size_t>(count * s.row_floats()), 2));
  REQUIRE(sks_batch_commit(s.batch) == SKS_OK, "%s", sks_last_error());
  s.send_all();
}

// A row of a state as numbers.
std::vector<float> widened(const sks_kernels &kernels, const streams_spec &spec,
                           const char *packed) {
  std::vector<char> block(static_cast<size_t>(sks_kv_block_bytes(spec.type, spec.head_dim)));
  sks_kv_row row = sks_kv_row_of(spec.type, spec.head_dim, false, block.data(), 0);
  sks_kv_unpack(packed, row);
  std::vector<float> x(static_cast<size_t>(spec.head_dim));
  sks_kv_load(&kernels, row, x.data());
  return x;
}

// Rows after an eviction. Values are those that were there. Keys are turned back, and sums of two
// products may round to the other side on the GPU: by a step of the type, in few rows.
void check_moved(const gpu_streams &s, const copy_of_rows &rows, const std::vector<char> &found,
                 const std::vector<char> &expected) {
  // With Q8_0 the scale may, too.
  static const double step_of[] = {0x1p-23, 0x1p-10, 0x1p-7, 1.0 / 127 + 0x1p-9};
  sks_kernels kernels;
  sks_kernels_reference(&kernels);
  int64_t row_bytes = sks_kv_row_bytes(s.spec.type, s.spec.head_dim), different = 0,
          total = static_cast<int64_t>(found.size()) / row_bytes;
  for (int64_t i = 0; i < total; i++) {
    const char *its = &found[static_cast<size_t>(i * row_bytes)],
               *wanted = &expected[static_cast<size_t>(i * row_bytes)];
    if (memcmp(its, wanted, static_cast<size_t>(row_bytes)) == 0) continue;
    different++;
    bool key = i / (rows.tokens * s.spec.kv_heads) % 2 == 0;
    double error =
        error_of(widened(kernels, s.spec, its).data(), widened(kernels, s.spec, wanted).data(),
                 static_cast<size_t>(s.spec.head_dim));
    if (!CHECK(key && s.spec.rotary_dim > 0 && error <= step_of[s.spec.type],
               "type %d: row %lld of %lld, a %s: error %g after an eviction", s.spec.type,
               (long long)i, (long long)total, key ? "key" : "value", error))
      return;
  }
  CHECK(different <= total / 4, "type %d: %lld of %lld rows differ after an eviction", s.spec.type,
        (long long)different, (long long)total);
}

// Into the device and out again, bit for bit; then a range is evicted on both sides.
void test_state(sks_device *device, int32_t type, bool rotary, uint64_t *seed) {
  streams_spec spec = {2,    4, 2,  72, rotary ? 48 : 0, static_cast<int32_t>(rng_below(seed, 2)),
                       type, 4, 30, 5,  false,           false};
  gpu_streams s(device, spec, 1, 0, seed);
  for (int64_t step = 0, steps = 3 + rng_below(seed, 20); step < steps; step++)
    append_on_cpu(s, static_cast<int32_t>(1 + rng_below(seed, 5)), seed);
  copy_of_rows rows(s, s.caches[0]);
  std::vector<char> state(static_cast<size_t>(sks_cache_state_bytes(s.caches[0])));
  REQUIRE(sks_cache_export(s.caches[0], state.data(), static_cast<int64_t>(state.size())) == SKS_OK,
          "%s", sks_last_error());
  size_t header = state.size() - static_cast<size_t>(rows.layer_bytes * spec.layers);
  std::vector<char> packed(state.begin() + static_cast<int64_t>(header), state.end());
  gpu_array<char> staged(packed);
  for (int32_t layer = 0; layer < spec.layers; layer++)
    GPU(sks_cuda_cache_import(nullptr, &s.gpu, &s.gpu_caches[0], layer, rows.spans,
                              staged + layer * rows.layer_bytes));
  CHECK(device_rows(s, rows) == packed, "type %d: rows of a state changed on the way", type);

  int64_t position = s.caches[0]->position, first = sks_view_of(&s.caches[0]->ring, position).first;
  if (position - first < 3) return;
  int64_t begin = first + rng_below(seed, position - first - 1);
  int64_t end = begin + 1 + rng_below(seed, position - begin - 1);
  sks_cuda_cache before = s.gpu_caches[0];
  GPU(sks_cuda_cache_move(nullptr, &s.gpu, &before, spec.layers, end, position, end - begin));
  REQUIRE(sks_cache_evict(s.caches[0], begin, end) == SKS_OK, "%s", sks_last_error());
  s.send_all();
  copy_of_rows left(s, s.caches[0]);
  std::vector<char> found = device_rows(s, left), expected(state.size());
  expected.resize(static_cast<size_t>(sks_cache_state_bytes(s.caches[0])));
  REQUIRE(sks_cache_export(s.caches[0], expected.data(), static_cast<int64_t>(expected.size())) ==
              SKS_OK,
          "%s", sks_last_error());
  expected.erase(expected.begin(), expected.begin() + static_cast<int64_t>(header));
  CHECK(found.size() == expected.size(), "%zu bytes, not %zu", found.size(), expected.size());
  if (found.size() == expected.size()) check_moved(s, left, found, expected);
}

}  // namespace

int main(int argc, char **argv) {
  uint64_t seed = rng_seed(argc, argv);
  sks_device *device = start_test();
  for (int round = 0; round < shortened(10); round++)
    for (int32_t type = SKS_F32; type < SKS_KV_TYPES; type++)
      test_state(device, type, rng_below(&seed, 3) > 0, &seed);
  sks_device_close(device);
  return check_report();
}
