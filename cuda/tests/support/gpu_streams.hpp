// Streams of random tokens on both sides: caches of the CPU library on the reference kernels, and
// the same caches in device memory, a step of both at a time.
#ifndef SINKSTREAM_CUDA_TESTS_SUPPORT_GPU_STREAMS_HPP
#define SINKSTREAM_CUDA_TESTS_SUPPORT_GPU_STREAMS_HPP

#include <algorithm>
#include <memory>

#include "cuda/kernels/attend.h"
#include "cuda/kernels/cache_rows.h"
#include "cuda/kernels/put.h"
#include "support/gpu.hpp"

struct streams_spec {
  int32_t layers, heads, kv_heads, head_dim, rotary_dim, rotary_layout, type;
  int64_t sinks, window;  // SKS_DENSE: `slots` rows are there
  int32_t max_rows;
  bool alibi, sink_logits;
};

class gpu_streams {
 public:
  streams_spec spec;
  int streams;
  sks_attention *attention = nullptr;
  sks_batch *batch = nullptr;
  std::vector<sks_cache *> caches;
  std::vector<float> slopes, logits;
  sks_cuda_attention gpu = {};
  std::vector<sks_cuda_cache> gpu_caches;  // as they are on the device
  std::vector<std::unique_ptr<gpu_array<char>>> memory;
  gpu_array<sks_cuda_cache> table;
  gpu_array<int64_t> positions;
  gpu_array<sks_turns> turns;
  gpu_array<float> gpu_slopes, gpu_logits;
  gpu_array<sks_cuda_row> rows;
  gpu_array<sks_cuda_token> tokens;
  gpu_array<float> phases;
  gpu_array<char> workspace;
  int64_t most_keys, workspace_bytes;
  int32_t most_rows;

  gpu_streams(sks_device *device, const streams_spec &with, int count, int64_t dense_slots,
              uint64_t *seed)
      : spec(with), streams(count) {
    int32_t half = spec.rotary_dim / 2;
    std::vector<double> frequencies;
    std::vector<sks_turns> host_turns;
    for (int32_t i = 0; i < half; i++) {
      frequencies.push_back(pow(10000, -2.0 * i / spec.rotary_dim));
      host_turns.push_back(sks_turns_of(frequencies.back()));
    }
    for (int32_t h = 0; h < spec.heads; h++) {
      slopes.push_back(0.25f + 0.25f * rng_float(seed));
      logits.push_back(2 * rng_float(seed));
    }
    sks_attention_spec shape = {spec.layers,
                                spec.heads,
                                spec.kv_heads,
                                spec.head_dim,
                                spec.rotary_dim,
                                spec.rotary_layout,
                                1 / sqrtf(static_cast<float>(spec.head_dim)),
                                half ? frequencies.data() : nullptr,
                                spec.alibi ? slopes.data() : nullptr};
    REQUIRE(sks_attention_create(device, &shape, &attention) == SKS_OK, "%s", sks_last_error());
    most_rows = spec.max_rows * streams;
    REQUIRE(sks_batch_create(attention, most_rows, &batch) == SKS_OK, "%s", sks_last_error());
    turns.resize(host_turns.size());
    turns.put(host_turns);
    gpu_slopes.resize(slopes.size());
    gpu_slopes.put(slopes);
    gpu_logits.resize(logits.size());
    gpu_logits.put(logits);
    gpu = {spec.heads,
           spec.kv_heads,
           spec.head_dim,
           half,
           spec.rotary_layout,
           spec.type,
           shape.scale,
           turns,
           spec.alibi ? static_cast<float *>(gpu_slopes) : nullptr};

    sks_cache_spec cache_spec = {spec.sinks, spec.window, spec.max_rows, spec.type};
    bool dense = spec.window == SKS_DENSE;
    for (int i = 0; i < streams; i++) {
      sks_cache *cache;
      REQUIRE(sks_cache_create(attention, &cache_spec, &cache) == SKS_OK, "%s", sks_last_error());
      caches.push_back(cache);
      int64_t slots = dense ? dense_slots : spec.sinks + spec.window + spec.max_rows;
      sks_cuda_cache its = {};
      its.ring = cache->ring;
      its.slots = slots;
      its.layer_bytes = sks_cuda_layer_bytes(spec.type, spec.head_dim, spec.kv_heads, slots);
      memory.push_back(
          std::make_unique<gpu_array<char>>(static_cast<size_t>(its.layer_bytes * spec.layers)));
      its.base = *memory.back();
      gpu_caches.push_back(its);
    }
    table.resize(gpu_caches.size());
    positions.resize(gpu_caches.size());
    send_all();
    rows.resize(static_cast<size_t>(most_rows));
    tokens.resize(static_cast<size_t>(most_rows));
    phases.resize(static_cast<size_t>(most_rows) * 4 * half);
    most_keys = dense ? dense_slots : spec.sinks + spec.window + 1;
    // Now and then too little for all rows at once.
    int32_t at_once = static_cast<int32_t>(1 + rng_below(seed, most_rows));
    workspace_bytes = sks_cuda_attend_workspace(&gpu, at_once, most_keys);
    workspace.resize(static_cast<size_t>(workspace_bytes));
    workspace.zero();
  }
  gpu_streams(const gpu_streams &) = delete;
  gpu_streams &operator=(const gpu_streams &) = delete;
  ~gpu_streams() {
    for (sks_cache *cache : caches) sks_cache_destroy(cache);
    sks_batch_destroy(batch);
    sks_attention_destroy(attention);
  }

  // What the host changed goes to the device: rings and positions as on the CPU.
  void send_all() {
    std::vector<int64_t> now;
    for (int i = 0; i < streams; i++) {
      gpu_caches[static_cast<size_t>(i)].ring = caches[static_cast<size_t>(i)]->ring;
      now.push_back(caches[static_cast<size_t>(i)]->position);
    }
    table.put(gpu_caches);
    positions.put(now);
  }

  // A row of a fused projection: all queries, all keys, all values.
  int64_t row_floats() const { return (spec.heads + 2 * spec.kv_heads) * spec.head_dim; }
  int64_t out_floats() const { return static_cast<int64_t>(spec.heads) * spec.head_dim; }
  sks_cuda_new_rows new_rows(const float *x) const {
    const float *keys = x + static_cast<int64_t>(spec.heads) * spec.head_dim;
    return {keys, keys + static_cast<int64_t>(spec.kv_heads) * spec.head_dim, row_floats(),
            spec.head_dim};
  }
  sks_cuda_attend_args attend_args(const float *x, float *out) const {
    int64_t group = spec.heads / spec.kv_heads;
    return {x,
            row_floats(),
            group * spec.head_dim,
            spec.sink_logits ? static_cast<float *>(gpu_logits) : nullptr,
            out,
            {}};
  }

  // Begins a step of counts[i] rows of stream i on both sides, with `idle` rows that do nothing
  // between them on the device.
  sks_cuda_step begin(const std::vector<int32_t> &counts, bool idle, std::vector<int32_t> *places) {
    std::vector<sks_cuda_row> entries;
    std::vector<sks_cache *> used;
    std::vector<int32_t> used_rows;
    places->clear();
    for (int i = 0; i < streams; i++) {
      int32_t count = counts[static_cast<size_t>(i)];
      if (count > 0) {
        used.push_back(caches[static_cast<size_t>(i)]);
        used_rows.push_back(count);
      }
      for (int32_t r = 0; r < count; r++) {
        places->push_back(static_cast<int32_t>(entries.size()));
        entries.push_back({i, r});
      }
      if (idle && static_cast<int32_t>(entries.size()) < most_rows && count == 0)
        entries.push_back({-1, 0});
    }
    REQUIRE(sks_batch_begin(batch, used.data(), used_rows.data(),
                            static_cast<int32_t>(used.size())) == SKS_OK,
            "%s", sks_last_error());
    sks_cuda_step step = step_of(static_cast<int32_t>(entries.size()));
    send_all();
    sks_cuda_puts puts = {};
    add_or_put(&puts, &rows, entries);
    add_or_put(&puts, &table, table.get());
    add_or_put(&puts, &positions, positions.get());
    GPU(sks_cuda_put_and_begin(nullptr, &puts, &gpu, &step));
    return step;
  }

  // With the step's beginning, where there is room. It is not there before.
  template <typename element>
  static void add_or_put(sks_cuda_puts *puts, gpu_array<element> *to,
                         const std::vector<element> &from) {
    const int64_t bytes = static_cast<int64_t>(from.size() * sizeof from[0]);
    to->poison();
    if (!sks_cuda_puts_add(puts, static_cast<element *>(*to), from.data(), bytes)) to->put(from);
  }

  sks_cuda_step step_of(int32_t row_count) {
    return {row_count, table, positions, rows, tokens, phases};
  }

  // The CPU's output of one layer for x [rows] of its own order.
  std::vector<float> expected_layer(int32_t layer, const std::vector<float> &x) {
    size_t count = x.size() / static_cast<size_t>(row_floats());
    std::vector<float> out(count * static_cast<size_t>(out_floats()), NAN);
    sks_cuda_new_rows from = new_rows(x.data());
    REQUIRE(sks_append(batch, layer, from.keys, from.values, from.row_stride, from.head_stride) ==
                SKS_OK,
            "%s", sks_last_error());
    sks_cuda_attend_args in = attend_args(x.data(), out.data());
    REQUIRE(sks_attend(batch, layer, in.queries, in.row_stride, in.group_stride,
                       spec.sink_logits ? logits.data() : nullptr, out.data()) == SKS_OK,
            "%s", sks_last_error());
    return out;
  }
};

#endif
