// One token of a Llama-shaped model of random weights, without a host: every launch of a step,
// recorded once and replayed. Usage: bench_step [7b|13b] [f16|bf16|q8_0|q4_0] [STREAMS] [S+R] ...;
// with several streams the weights are f16 or bf16.
#include <cstring>

#include "cuda/bench/bench_streams.cuh"
#include "cuda/kernels/element.h"
#include "cuda/kernels/linear.h"
#include "cuda/kernels/linear_batch.h"
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

// Floats of all streams, and where a kernel leaves them once more for the next product, of weights
// of `type`.
struct activations {
  float *values;
  sks_cuda_rounded rounded;

  activations(int32_t streams, int64_t columns, int32_t type)
      : values(static_cast<float *>(bench_memory(streams * columns, FLOATS, 1))),
        rounded{nullptr, columns, type} {
    if (sks_cuda_scale_columns(type) > 0)
      rounded = {nullptr, sks_cuda_number_stride(columns), SKS_CUDA_NUMBERS};
    if (streams > 1 || rounded.type == SKS_CUDA_NUMBERS)
      rounded.rows = bench_memory(streams * rounded.stride, HALVES, 1);
  }
};

struct model {
  model_shape shape;
  int32_t streams;
  std::vector<layer> layers;
  sks_cuda_matrix table, head;
  float *norm_weight;
  activations x, qkv, attended, hidden, logits;
  int32_t *ids;  // the same in every step
  void *top_scratch;
  sks_cuda_top likeliest;  // in the host's memory
  double bytes = 0;

  model(const model_shape &of, int32_t type, int32_t stream_count)
      : shape(of),
        streams(stream_count),
        x(streams, of.width, type),
        qkv(streams, 3 * of.width, type),
        attended(streams, of.width, type),
        hidden(streams, of.hidden, type),
        logits(streams, of.vocabulary, type) {
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
    // As files of Q4_0 have it.
    head = bench_matrix(type == SKS_Q4_0 ? SKS_Q6_K : type, of.vocabulary, width);
    bytes += bench_matrix_bytes(head);
    norm_weight = static_cast<float *>(bench_memory(width, FLOATS, 1));
    size_t id_bytes = static_cast<size_t>(streams) * sizeof *ids;
    GPU(cudaMalloc(reinterpret_cast<void **>(&ids), id_bytes));
    GPU(cudaMemset(ids, 0, id_bytes));
    size_t scratch_bytes = static_cast<size_t>(streams) * SKS_CUDA_TOP_SCRATCH;
    GPU(cudaMalloc(&top_scratch, scratch_bytes));
    GPU(cudaMemset(top_scratch, 0, scratch_bytes));
    void *answer;
    GPU(cudaHostAlloc(&answer, id_bytes + streams * sizeof(float) + sizeof(uint32_t),
                      cudaHostAllocMapped));
    likeliest.indices = static_cast<int32_t *>(answer);
    likeliest.values = reinterpret_cast<float *>(likeliest.indices + streams);
    likeliest.answered = reinterpret_cast<uint32_t *>(likeliest.values + streams);
    likeliest.serial = 1;
  }

  // As the back end runs it. x is there in 16 bits already if it needs no norm.
  void linear(cudaStream_t stream, const sks_cuda_matrix &w, const sks_norm *norm,
              const activations &in, const activations &out, int32_t output, bool overlap) const {
    if (streams == 1) {
      sks_cuda_rounded left = &in == &attended ? in.rounded : sks_cuda_rounded{};
      GPU(sks_cuda_linear(stream, &w, norm, in.values, left, 1, out.values, output, overlap));
      return;
    }
    if (norm)
      GPU(sks_cuda_prepare(stream, norm, in.values, streams, w.columns, w.type, in.rounded.rows,
                           in.rounded.stride, overlap));
    sks_cuda_rounded left = output == SKS_SILU_GATE ? out.rounded : sks_cuda_rounded{};
    GPU(sks_cuda_linear_batch(stream, &w, in.rounded.rows, in.rounded.stride, streams, out.values,
                              left, output, overlap));
  }

  void attend(cudaStream_t stream, const bench_streams &s, int32_t of_layer, bool overlap) const {
    int64_t width = shape.width, dim = s.attention.head_dim;
    bool rounds = sks_cuda_attend_leaves(&s.attention, streams, attended.rounded.type);
    sks_cuda_new_rows rows = {qkv.values + width, qkv.values + 2 * width, 3 * width, dim};
    sks_cuda_attend_args in = {
        qkv.values, 3 * width,       dim,
        nullptr,    attended.values, rounds ? attended.rounded : sks_cuda_rounded{}};
    GPU(sks_cuda_attend_rows(stream, &s.attention, &s.step, of_layer, &rows, &in, s.most_keys,
                             s.workspace, s.workspace_bytes, overlap));
    if (!rounds && streams > 1)
      GPU(sks_cuda_prepare(stream, nullptr, attended.values, streams, width, attended.rounded.type,
                           attended.rounded.rows, width, overlap));
  }
};

void step(cudaStream_t stream, const model &m, const bench_streams &s, bool attention,
          bool overlap) {
  sks_norm norm = {m.norm_weight, nullptr, 1e-5f, SKS_RMS_NORM};
  s.begin(stream);
  GPU(sks_cuda_embed(stream, &m.table, m.ids, m.streams, m.x.values));
  for (size_t i = 0; i < m.layers.size(); i++) {
    const layer &l = m.layers[i];
    m.linear(stream, l.qkv, &norm, m.x, m.qkv, SKS_STORE, overlap);
    if (attention) m.attend(stream, s, static_cast<int32_t>(i), overlap);
    m.linear(stream, l.out, nullptr, m.attended, m.x, SKS_ADD, overlap);
    m.linear(stream, l.gate_up, &norm, m.x, m.hidden, SKS_SILU_GATE, overlap);
    m.linear(stream, l.down, nullptr, m.hidden, m.x, SKS_ADD, overlap);
  }
  m.linear(stream, m.head, &norm, m.x, m.logits, SKS_STORE, overlap);
  GPU(sks_cuda_top_k(stream, m.logits.values, m.streams, m.shape.vocabulary, 1, nullptr,
                     m.top_scratch, &m.likeliest));
}

}  // namespace

int main(int argc, char **argv) {
  model_shape shape = shapes[0];
  int32_t type = SKS_F16, streams = 1;
  std::vector<std::pair<int64_t, int64_t>> policies;
  for (int i = 1; i < argc; i++) {
    long long sinks, window;
    for (const model_shape &known : shapes)
      if (!strcmp(argv[i], known.name)) shape = known;
    if (!strcmp(argv[i], "bf16")) type = SKS_BF16;
    if (!strcmp(argv[i], "q8_0")) type = SKS_Q8_0;
    if (!strcmp(argv[i], "q4_0")) type = SKS_Q4_0;
    int read = sscanf(argv[i], "%lld+%lld", &sinks, &window);
    if (read == 2) policies.push_back({sinks, window});
    if (read == 1 && argv[i][strspn(argv[i], "0123456789")] == 0)
      streams = static_cast<int32_t>(sinks);
  }
  if (policies.empty()) policies = {{4, 1020}, {4, 4092}};
  bench_say_card();
  double bandwidth = bench_copy_bandwidth();
  model m(shape, type, streams);
  printf("# copy %.0f GB/s; %s, %d streams, weights %.2f GB, alone %.3f ms\n", bandwidth,
         shape.name, streams, m.bytes * 1e-9, m.bytes / bandwidth * 1e-6);
  printf("%-10s %-9s %-9s %8s %8s %8s\n", "policy", "attention", "overlap", "ms", "GB/s",
         "of copy");
  for (auto [sinks, window] : policies) {
    bench_streams s({shape.layers, shape.heads, shape.heads, shape.width / shape.heads, SKS_F16},
                    sinks, window, streams, 1, sinks + window + 100);
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
