// One token of a Llama-shaped model of random weights, without a host: every launch of a step,
// recorded once and replayed. Usage: bench_step [7b|13b] [f16|q8_0|q4_0] [S+R] ...
#include <cstring>

#include "cuda/bench/bench_streams.cuh"
#include "cuda/kernels/element.h"
#include "cuda/kernels/linear.h"
#include "cuda/kernels/sampling.h"

namespace {

struct model_shape {
  const char *name;
  int32_t layers, heads, width, hidden, vocabulary;
};

const model_shape shapes[] = {{"7b", 32, 32, 4096, 11008, 32000},
                              {"13b", 40, 40, 5120, 13824, 32000}};

struct layer {
  sks_cuda_matrix qkv, out, gate_up, down;
};

struct model {
  model_shape shape;
  std::vector<layer> layers;
  sks_cuda_matrix table, head;
  float *norm_weight, *x, *qkv, *attended, *hidden, *logits;
  int32_t *id;
  double bytes = 0;

  model(const model_shape &of, int32_t type) : shape(of) {
    int64_t width = of.width;
    for (int32_t i = 0; i < of.layers; i++) {
      layers.push_back({bench_matrix(type, 3 * width, width), bench_matrix(type, width, width),
                        bench_matrix(type, 2 * of.hidden, width),
                        bench_matrix(type, width, of.hidden)});
      const layer &l = layers.back();
      for (const sks_cuda_matrix *w : {&l.qkv, &l.out, &l.gate_up, &l.down})
        bytes += bench_matrix_bytes(*w);
    }
    table = bench_matrix(SKS_F16, of.vocabulary, width);
    head = bench_matrix(type, of.vocabulary, width);
    bytes += bench_matrix_bytes(head);
    norm_weight = static_cast<float *>(bench_memory(width, FLOATS, 1));
    x = static_cast<float *>(bench_memory(width, FLOATS, 1));
    qkv = static_cast<float *>(bench_memory(3 * width, FLOATS, 1));
    attended = static_cast<float *>(bench_memory(width, FLOATS, 1));
    hidden = static_cast<float *>(bench_memory(of.hidden, FLOATS, 1));
    logits = static_cast<float *>(bench_memory(of.vocabulary, FLOATS, 1));
    GPU(cudaMalloc(reinterpret_cast<void **>(&id), sizeof *id));
    GPU(cudaMemset(id, 0, sizeof *id));
  }
};

void step(cudaStream_t stream, const model &m, const bench_streams &s, bool attention,
          bool overlap) {
  sks_norm norm = {m.norm_weight, nullptr, 1e-5f, SKS_RMS_NORM};
  GPU(sks_cuda_step_begin(stream, &s.attention, &s.step));
  GPU(sks_cuda_embed(stream, &m.table, m.id, 1, m.x));
  for (size_t i = 0; i < m.layers.size(); i++) {
    const layer &l = m.layers[i];
    GPU(sks_cuda_linear(stream, &l.qkv, &norm, m.x, 1, m.qkv, SKS_STORE, overlap));
    if (attention) {
      int64_t width = m.shape.width;
      sks_cuda_new_rows rows = {m.qkv + width, m.qkv + 2 * width, 3 * width, s.attention.head_dim};
      sks_cuda_attend_args in = {m.qkv, 3 * width, s.attention.head_dim, nullptr, m.attended};
      GPU(sks_cuda_attend_rows(stream, &s.attention, &s.step, static_cast<int32_t>(i), &rows, &in,
                               s.most_keys, s.workspace, s.workspace_bytes, overlap));
    }
    GPU(sks_cuda_linear(stream, &l.out, nullptr, m.attended, 1, m.x, SKS_ADD, overlap));
    GPU(sks_cuda_linear(stream, &l.gate_up, &norm, m.x, 1, m.hidden, SKS_SILU_GATE, overlap));
    GPU(sks_cuda_linear(stream, &l.down, nullptr, m.hidden, 1, m.x, SKS_ADD, overlap));
  }
  GPU(sks_cuda_linear(stream, &m.head, &norm, m.x, 1, m.logits, SKS_STORE, overlap));
  GPU(sks_cuda_argmax(stream, m.logits, 1, m.shape.vocabulary, m.id, overlap));
  GPU(sks_cuda_step_advance(stream, &s.step));
}

}  // namespace

int main(int argc, char **argv) {
  model_shape shape = shapes[0];
  int32_t type = SKS_F16;
  std::vector<std::pair<int64_t, int64_t>> policies;
  for (int i = 1; i < argc; i++) {
    long long sinks, window;
    for (const model_shape &known : shapes)
      if (!strcmp(argv[i], known.name)) shape = known;
    if (!strcmp(argv[i], "bf16")) type = SKS_BF16;
    if (!strcmp(argv[i], "q8_0")) type = SKS_Q8_0;
    if (!strcmp(argv[i], "q4_0")) type = SKS_Q4_0;
    if (sscanf(argv[i], "%lld+%lld", &sinks, &window) == 2) policies.push_back({sinks, window});
  }
  if (policies.empty()) policies = {{4, 1020}, {4, 4092}};
  bench_say_card();
  double bandwidth = bench_copy_bandwidth();
  model m(shape, type);
  printf("# copy %.0f GB/s; %s, weights %.2f GB, alone %.3f ms\n", bandwidth, shape.name,
         m.bytes * 1e-9, m.bytes / bandwidth * 1e-6);
  printf("%-10s %-9s %-9s %8s %8s %8s\n", "policy", "attention", "overlap", "ms", "GB/s",
         "of copy");
  for (auto [sinks, window] : policies) {
    bench_streams s({shape.layers, shape.heads, shape.heads, shape.width / shape.heads, SKS_F16},
                    sinks, window, 1, 1, sinks + window + 100);
    for (bool attention : {false, true})
      for (bool overlap : {false, true}) {
        double time =
            bench_median([&](cudaStream_t stream) { step(stream, m, s, attention, overlap); }, 60);
        double bytes = m.bytes + (attention ? s.bytes : 0);
        printf("%lld+%-8lld %-9s %-9s %8.3f %8.0f %7.1f%%\n", static_cast<long long>(sinks),
               static_cast<long long>(window), attention ? "yes" : "no", overlap ? "yes" : "no",
               time, bytes / time * 1e-6, bytes / time * 1e-4 / bandwidth);
      }
  }
  return 0;
}
