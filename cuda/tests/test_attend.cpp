// Append and attention against the reference kernels of the CPU: row by row, fused with append, in
// tiles, and as a recorded step that is replayed.
#include "cuda/kernels/attention_weights.h"
#include "cuda/kernels/linear.h"
#include "support/gpu_streams.hpp"
#include "support/shortened.hpp"

namespace {

double row_tolerance(int32_t type) {
  // Keys of 16 bits or less may round to the other side: the CPU rotates in double.
  static const double of[] = {4e-6, 1e-3, 8e-3, 2e-2};
  return of[type];
}

double tile_tolerance(int32_t type) {
  static const double of[] = {0, 4e-3, 3e-2, 3e-2};
  return of[type];
}

// The outputs of the rows that are not idle, which lie at `places`.
std::vector<float> picked(const std::vector<float> &out, const std::vector<int32_t> &places,
                          int64_t floats) {
  std::vector<float> rows;
  for (int32_t place : places)
    rows.insert(rows.end(), out.begin() + place * floats, out.begin() + (place + 1) * floats);
  return rows;
}

void check_layer(const gpu_streams &s, const char *what, const std::vector<float> &found,
                 const std::vector<float> &expected, double tolerance) {
  size_t dim = static_cast<size_t>(s.spec.head_dim);
  for (size_t i = 0; i < expected.size(); i += dim) {
    double error = error_of(&found[i], &expected[i], dim);
    if (!CHECK(
            error <= tolerance,
            "%s: type %d, head_dim %d, heads %d/%d, %lld+%lld, row %zu of %zu, head %zu: error %g",
            what, s.spec.type, s.spec.head_dim, s.spec.heads, s.spec.kv_heads,
            (long long)s.spec.sinks, (long long)s.spec.window,
            i / static_cast<size_t>(s.out_floats()),
            expected.size() / static_cast<size_t>(s.out_floats()),
            i / dim % static_cast<size_t>(s.spec.heads), error))
      return;
  }
}

// Every row of a tile belongs to one stream.
std::vector<sks_cuda_tile> tiles_of(const std::vector<int32_t> &counts,
                                    const std::vector<int32_t> &places) {
  std::vector<sks_cuda_tile> tiles;
  size_t at = 0;
  for (int32_t count : counts) {
    for (int32_t r = 0; r < count; r += SKS_CUDA_TILE_ROWS)
      tiles.push_back({places[at + static_cast<size_t>(r)],
                       count - r < SKS_CUDA_TILE_ROWS ? count - r : SKS_CUDA_TILE_ROWS});
    at += static_cast<size_t>(count);
  }
  return tiles;
}

// What a row, stored on both sides, weights the values with.
void check_weights(const gpu_streams &s, const sks_cuda_step &step, int32_t layer,
                   const std::vector<float> &x, const float *gpu_x, int32_t row, int32_t place) {
  size_t most = static_cast<size_t>(s.spec.heads * s.most_keys);
  std::vector<float> expected(most);
  int64_t keys;
  sks_cuda_attend_args from = s.attend_args(x.data(), nullptr);
  REQUIRE(sks_attention_weights(s.batch, layer, from.queries, from.row_stride, from.group_stride,
                                s.spec.sink_logits ? s.logits.data() : nullptr, row,
                                expected.data(), static_cast<int64_t>(most), &keys) == SKS_OK,
          "%s", sks_last_error());
  gpu_array<float> weights(most);
  sks_cuda_attend_args in = s.attend_args(gpu_x, weights);
  GPU(sks_cuda_attention_weights(nullptr, &s.gpu, &step, layer, place, &in));
  std::vector<float> found = weights.get();
  for (int32_t head = 0; head < s.spec.heads; head++) {
    size_t at = static_cast<size_t>(head * keys);
    double error = error_of(&found[at], &expected[at], static_cast<size_t>(keys));
    CHECK(error <= row_tolerance(s.spec.type), "type %d, row %d, head %d of %d, %lld keys: %g",
          s.spec.type, row, head, s.spec.heads, (long long)keys, error);
  }
  for (size_t i = static_cast<size_t>(s.spec.heads * keys); i < most; i++)
    CHECK(std::isnan(found[i]), "weight %zu written, of %d heads of %lld", i, s.spec.heads,
          (long long)keys);
}

// Rows that were left rounded are those of `out` as prepare rounds them.
void check_rounded(const gpu_streams &s, const std::vector<int32_t> &places, int32_t rows,
                   const float *out, const sks_cuda_rounded &rounded,
                   const std::vector<uint16_t> &found) {
  gpu_array<uint16_t> prepared(found.size());
  GPU(sks_cuda_prepare(nullptr, nullptr, out, rows, s.out_floats(), rounded.type, prepared,
                       rounded.stride, true));
  std::vector<uint16_t> expected = prepared.get();
  for (int32_t place : places) {
    auto row = expected.begin() + place * rounded.stride;
    CHECK(std::equal(row, row + s.out_floats(), found.begin() + place * rounded.stride),
          "row %d, rounded to type %d", place, rounded.type);
  }
}

// Rows that were left as whole numbers are those of `out`, to half a number.
void check_numbers(const gpu_streams &s, const std::vector<int32_t> &places,
                   const std::vector<float> &out, const sks_cuda_rounded &left,
                   const std::vector<uint16_t> &found) {
  auto columns = static_cast<int32_t>(s.out_floats());
  for (int32_t place : places) {
    const uint16_t *row = &found[static_cast<size_t>(place * left.stride)];
    for (int32_t c = 0; c < columns; c++) {
      float scale, x = out[static_cast<size_t>(place * columns + c)];
      memcpy(&scale, row + columns + c / 32 * 2, sizeof scale);
      auto number = static_cast<int16_t>(row[sks_cuda_number_at(columns, c)]);
      CHECK(std::fabs(number * scale - x) <= 0.51f * scale, "row %d, column %d: %d x %g for %g",
            place, c, number, scale, x);
    }
  }
}

// What launches send each other through memory is gone when they end.
void check_workspace(gpu_streams &s) {
  const std::vector<char> left = s.workspace.get();
  size_t used = 0;
  for (char byte : left) used += byte != 0;
  CHECK(used == 0, "%zu of %zu bytes of the workspace are left", used, left.size());
}

// One step through all layers in every way there is.
void run_step(gpu_streams &s, const std::vector<int32_t> &counts, bool idle, uint64_t *seed) {
  std::vector<int32_t> places;
  sks_cuda_step step = s.begin(counts, idle, &places);
  bool single = true;
  for (int32_t count : counts) single = single && count <= 1;
  size_t row = static_cast<size_t>(s.row_floats());
  for (int32_t layer = 0; layer < s.spec.layers; layer++) {
    std::vector<float> x = random_floats(seed, places.size() * row, 2);
    std::vector<float> expected = s.expected_layer(layer, x);
    std::vector<float> spread(static_cast<size_t>(step.row_count) * row, NAN);
    for (size_t i = 0; i < places.size(); i++)
      std::copy_n(&x[i * row], row, &spread[static_cast<size_t>(places[i]) * row]);
    gpu_array<float> gpu_x(spread);
    gpu_array<float> out(static_cast<size_t>(step.row_count * s.out_floats()));
    sks_cuda_attend_args in = s.attend_args(gpu_x, out);
    sks_cuda_new_rows from = s.new_rows(gpu_x);
    const int64_t stride = sks_cuda_rounded_stride(s.out_floats()),
                  number_stride = sks_cuda_number_stride(s.out_floats());
    gpu_array<uint16_t> rounded(static_cast<size_t>(step.row_count * number_stride));
    const int32_t type = layer % 2 ? SKS_F16 : SKS_BF16;
    if (sks_cuda_attend_leaves(&s.gpu, step.row_count, type)) in.rounded = {rounded, stride, type};
    if (sks_cuda_attend_leaves(&s.gpu, step.row_count, SKS_CUDA_NUMBERS))
      in.rounded = {rounded, number_stride, SKS_CUDA_NUMBERS};

    std::vector<float> fused;
    if (single) {
      GPU(sks_cuda_attend_rows(nullptr, &s.gpu, &step, layer, &from, &in, s.most_keys, s.workspace,
                               s.workspace_bytes, true));
      fused = picked(out.get(), places, s.out_floats());
      check_layer(s, "fused", fused, expected, row_tolerance(s.spec.type));
    }
    GPU(sks_cuda_append(nullptr, &s.gpu, &step, layer, &from, true));
    for (int run = 0; run < shortened(2); run++) {
      out.poison();
      cudaError_t error =
          sks_cuda_attend_rows(nullptr, &s.gpu, &step, layer, nullptr, &in, s.most_keys,
                               s.workspace, s.workspace_bytes, run == 0);
      REQUIRE(error == cudaSuccess, "%s: type %d, head_dim %d, heads %d/%d, %lld+%lld, %d rows",
              cudaGetErrorString(error), s.spec.type, s.spec.head_dim, s.spec.heads,
              s.spec.kv_heads, (long long)s.spec.sinks, (long long)s.spec.window, step.row_count);
      std::vector<float> all = out.get(), found = picked(all, places, s.out_floats());
      check_layer(s, "rows", found, expected, row_tolerance(s.spec.type));
      if (in.rounded.type == SKS_CUDA_NUMBERS)
        check_numbers(s, places, all, in.rounded, rounded.get());
      else if (in.rounded.rows)
        check_rounded(s, places, step.row_count, out, in.rounded, rounded.get());
      CHECK(fused.empty() || same_bits(found, fused), "the fused row differs from the stored one");
      fused = found;
      for (int32_t r = 0, next = 0; r < step.row_count; r++) {
        if (next < static_cast<int32_t>(places.size()) && places[static_cast<size_t>(next)] == r)
          next++;
        else
          CHECK(std::isnan(all[static_cast<size_t>(r * s.out_floats())]), "idle row %d written", r);
      }
    }
    int32_t chosen = static_cast<int32_t>(rng_below(seed, static_cast<int64_t>(places.size())));
    check_weights(s, step, layer, x, gpu_x, chosen, places[static_cast<size_t>(chosen)]);
    if (!sks_cuda_attend_has_tiles(&s.gpu)) continue;
    gpu_array<sks_cuda_tile> tiles(tiles_of(counts, places));
    std::vector<float> first;
    for (int run = 0; run < shortened(2); run++) {
      out.poison();
      GPU(sks_cuda_attend_tiles(nullptr, &s.gpu, &step, layer, &in, tiles,
                                static_cast<int32_t>(tiles_of(counts, places).size())));
      std::vector<float> found = picked(out.get(), places, s.out_floats());
      check_layer(s, "tiles", found, expected, tile_tolerance(s.spec.type));
      CHECK(first.empty() || same_bits(found, first), "tiles differ from run to run");
      first = found;
    }
  }
  REQUIRE(sks_batch_commit(s.batch) == SKS_OK, "%s", sks_last_error());
  check_workspace(s);
}

streams_spec random_spec(int32_t type, uint64_t *seed) {
  static const int32_t dims[] = {8, 40, 64, 72, 80, 96, 128, 160, 256};
  static const int32_t kv[] = {1, 1, 2, 3, 4};
  static const int32_t groups[] = {1, 2, 3, 4, 8, 11};
  static const int64_t sinks[] = {0, 1, 4, 64};
  streams_spec spec = {};
  spec.layers = static_cast<int32_t>(1 + rng_below(seed, shortened(2)));
  spec.kv_heads = kv[rng_below(seed, 5)];
  spec.heads = spec.kv_heads * groups[rng_below(seed, 6)];
  spec.head_dim = dims[rng_below(seed, 9)];
  spec.alibi = rng_below(seed, 4) == 0;
  int64_t rotary = rng_below(seed, 3);
  spec.rotary_dim = spec.alibi    ? 0
                    : rotary == 0 ? spec.head_dim
                    : rotary == 1 ? 2 * static_cast<int32_t>(1 + rng_below(seed, spec.head_dim / 2))
                                  : spec.head_dim / 4 * 2;
  spec.rotary_layout = static_cast<int32_t>(rng_below(seed, 2));
  spec.type = type;
  spec.sinks = sinks[rng_below(seed, 4)];
  spec.window = 1 + rng_below(seed, rng_below(seed, 2) ? 12 : shortened(400, 200));
  spec.max_rows =
      static_cast<int32_t>(1 + rng_below(seed, rng_below(seed, 2) ? 9 : shortened(300, 20)));
  spec.sink_logits = rng_below(seed, 3) == 0;
  return spec;
}

// Chunks and single tokens of three streams at positions of their own, some of them far out.
void test_mixed(sks_device *device, int32_t type, uint64_t *seed) {
  static const int64_t far_out[] = {INT64_C(1) << 24, INT64_C(1) << 31, INT64_C(1) << 40};
  enum { STREAMS = 3 };
  gpu_streams s(device, random_spec(type, seed), STREAMS, 0, seed);
  for (int step = 0; step < shortened(7, 2); step++) {
    std::vector<int32_t> counts;
    bool chunks = step % 2 == 0;
    for (int i = 0; i < STREAMS; i++)
      counts.push_back(static_cast<int32_t>(chunks ? rng_below(seed, s.spec.max_rows + 1)
                                                   : rng_below(seed, 4) > 0));
    counts[static_cast<size_t>(rng_below(seed, STREAMS))] =
        chunks ? static_cast<int32_t>(s.spec.max_rows) : 1;
    if (step == 3 && sks_cache_position(s.caches[1]) > s.spec.sinks)
      cache_jump(s.caches[1], far_out[rng_below(seed, 3)] - 3);
    run_step(s, counts, rng_below(seed, 2), seed);
  }
}

// Rows enough to leave them whole: a chunk of every stream, then one token of most of them.
void test_many(sks_device *device, int32_t type, uint64_t *seed) {
  static const int32_t groups[] = {1, 3, 9};
  const int streams = shortened(40, 16);
  streams_spec spec = random_spec(type, seed);
  spec.kv_heads = rng_below(seed, 2) ? 8 : 32;
  spec.heads = spec.kv_heads * (spec.kv_heads == 32 ? 1 : groups[rng_below(seed, 3)]);
  spec.window = 1 + rng_below(seed, 150);
  spec.max_rows = static_cast<int32_t>(1 + rng_below(seed, 9));
  gpu_streams s(device, spec, streams, 0, seed);
  for (int step = 0; step < shortened(5, 2); step++) {
    std::vector<int32_t> counts;
    for (int i = 0; i < streams; i++)
      counts.push_back(step == 0 ? spec.max_rows : rng_below(seed, 12) > 0);
    run_step(s, counts, rng_below(seed, 2), seed);
  }
}

// A small ring passes every offset, one token at a time.
void test_every_offset(sks_device *device, int32_t type, uint64_t *seed) {
  streams_spec spec = {1, 4, 2, 64, 64, 0, type, 4, 9, 3, false, false};
  gpu_streams s(device, spec, 2, 0, seed);
  for (int step = 0; step < shortened(40); step++)
    run_step(s, {1, static_cast<int32_t>(step % 3)}, true, seed);
}

// A dense cache whose storage grows.
void test_dense(sks_device *device, int32_t type, uint64_t *seed) {
  const int32_t chunk = shortened(200, SKS_CUDA_TILE_ROWS + 6);
  streams_spec spec = {shortened(2), 6, 3, 80, 40, 0, type, 0, SKS_DENSE, chunk, false, true};
  gpu_streams s(device, spec, 1, chunk + 50, seed);
  run_step(s, {chunk}, false, seed);
  sks_cuda_cache before = s.gpu_caches[0];
  sks_cuda_cache &after = s.gpu_caches[0];
  after.slots = 3 * chunk + 11;
  after.layer_bytes = sks_cuda_layer_bytes(type, spec.head_dim, spec.kv_heads, after.slots);
  auto grown =
      std::make_unique<gpu_array<char>>(static_cast<size_t>(spec.layers * after.layer_bytes));
  after.base = *grown;
  GPU(sks_cuda_cache_grow(nullptr, &s.gpu, &after, spec.layers, before.base, before.slots));
  GPU(cudaDeviceSynchronize());
  s.memory[0] = std::move(grown);
  s.most_keys = after.slots;
  s.workspace_bytes = sks_cuda_attend_workspace(&s.gpu, 7, s.most_keys);
  s.workspace.resize(static_cast<size_t>(s.workspace_bytes));
  s.workspace.zero();
  run_step(s, {chunk}, false, seed);
  for (int step = 0; step < shortened(3); step++) run_step(s, {1}, false, seed);
}

// One token of each stream, recorded once: positions are written before each replay, and a stream
// leaves and comes back by its entry alone.
void test_replay(sks_device *device, int32_t type, uint64_t *seed) {
  enum { STREAMS = 3 };
  streams_spec spec = {2, 8, 2, 128, 128, 0, type, 4, 19, 2, false, false};
  gpu_streams s(device, spec, STREAMS, 0, seed);
  gpu_array<float> x(static_cast<size_t>(STREAMS * s.row_floats()) * 2);
  gpu_array<float> out(static_cast<size_t>(STREAMS * s.out_floats()) * 2);
  sks_cuda_step step = s.step_of(STREAMS);
  int64_t bytes = sks_cuda_attend_workspace(&s.gpu, STREAMS, s.most_keys);
  gpu_array<char> workspace(static_cast<size_t>(bytes));
  workspace.zero();
  cudaStream_t stream;
  cudaGraph_t graph;
  cudaGraphExec_t recorded;
  GPU(cudaStreamCreate(&stream));
  GPU(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  const sks_cuda_puts none = {};
  GPU(sks_cuda_put_and_begin(stream, &none, &s.gpu, &step));
  for (int32_t layer = 0; layer < spec.layers; layer++) {
    const float *layer_x = x + layer * STREAMS * s.row_floats();
    sks_cuda_new_rows from = s.new_rows(layer_x);
    sks_cuda_attend_args in = s.attend_args(layer_x, out + layer * STREAMS * s.out_floats());
    GPU(sks_cuda_attend_rows(stream, &s.gpu, &step, layer, &from, &in, s.most_keys, workspace,
                             bytes, layer > 0));
  }
  GPU(cudaStreamEndCapture(stream, &graph));
  GPU(cudaGraphInstantiate(&recorded, graph, 0));
  for (int t = 0; t < shortened(60); t++) {
    std::vector<sks_cuda_row> entries;
    std::vector<sks_cache *> used;
    std::vector<int32_t> ones, places;
    for (int i = 0; i < STREAMS; i++) {
      bool there = i == 0 || rng_below(seed, 4) > 0;
      entries.push_back({there ? i : -1, 0});
      if (!there) continue;
      used.push_back(s.caches[static_cast<size_t>(i)]);
      ones.push_back(1);
      places.push_back(i);
    }
    std::vector<float> all =
        random_floats(seed, static_cast<size_t>(2 * STREAMS * s.row_floats()), 2);
    x.put(all);
    s.rows.put(entries);
    s.send_all();
    out.poison();
    GPU(cudaGraphLaunch(recorded, stream));
    GPU(cudaStreamSynchronize(stream));
    std::vector<float> found = out.get();
    REQUIRE(sks_batch_begin(s.batch, used.data(), ones.data(), static_cast<int32_t>(used.size())) ==
                SKS_OK,
            "%s", sks_last_error());
    for (int32_t layer = 0; layer < spec.layers; layer++) {
      auto x_at = all.begin() + layer * STREAMS * s.row_floats();
      auto out_at = found.begin() + layer * STREAMS * s.out_floats();
      std::vector<float> its(x_at, x_at + STREAMS * s.row_floats());
      std::vector<float> expected = s.expected_layer(layer, picked(its, places, s.row_floats()));
      std::vector<float> layer_out(out_at, out_at + STREAMS * s.out_floats());
      check_layer(s, "replay", picked(layer_out, places, s.out_floats()), expected,
                  row_tolerance(type));
    }
    REQUIRE(sks_batch_commit(s.batch) == SKS_OK, "%s", sks_last_error());
  }
  GPU(cudaGraphExecDestroy(recorded));
  GPU(cudaGraphDestroy(graph));
  GPU(cudaStreamDestroy(stream));
}

}  // namespace

int main(int argc, char **argv) {
  uint64_t seed = rng_seed(argc, argv);
  sks_device *device = start_test();
  for (int32_t type = SKS_F32; type < SKS_KV_TYPES; type++) test_dense(device, type, &seed);
  const struct {
    int times;  // for every type
    void (*test)(sks_device *, int32_t type, uint64_t *seed);
  } others[] = {{1, test_every_offset}, {1, test_replay}, {12, test_mixed}, {6, test_many}};
  for (const auto &[times, test] : others)
    for (int32_t i = 0; i < shortened(times * SKS_KV_TYPES, SKS_KV_TYPES); i++)
      test(device, SKS_KV_TYPES - 1 - i % SKS_KV_TYPES, &seed);
  sks_device_close(device);
  return check_report();
}
