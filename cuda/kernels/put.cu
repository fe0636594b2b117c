// Words of the host's that travel as a launch's parameters, few or many of them, alone or with a
// step's beginning behind them.
#include <algorithm>
#include <cstring>

#include "cuda/kernels/device/launch.cuh"
#include "cuda/kernels/device/step_begin.cuh"
#include "cuda/kernels/put.h"

namespace {

enum { THREADS = SKS_STEP_BEGIN_THREADS, FEW_WORDS = 64 };

template <int most>
struct packet {
  uint32_t *to[SKS_CUDA_MOST_PUTS];
  int32_t ends[SKS_CUDA_MOST_PUTS];
  int32_t count;
  uint32_t words[most];
};

template <int most>
packet<most> packet_of(const sks_cuda_puts &puts) {
  packet<most> made;
  std::copy(puts.to, puts.to + puts.count, made.to);
  std::copy(puts.ends, puts.ends + puts.count, made.ends);
  made.count = puts.count;
  if (puts.count > 0) std::copy(puts.words, puts.words + puts.ends[puts.count - 1], made.words);
  return made;
}

// In order, also where two go to the same place.
template <int most>
__device__ void write_all(const packet<most> &from) {
  int32_t begin = 0;
  for (int32_t i = 0; i < from.count; i++) {
    int32_t end = from.ends[i];
    for (int32_t word = begin + static_cast<int32_t>(threadIdx.x); word < end; word += THREADS)
      from.to[i][word - begin] = from.words[word];
    begin = end;
    __syncthreads();
  }
}

template <int most>
__global__ void put(const __grid_constant__ packet<most> from) {
  write_all(from);
}

// A block for each row of the step. What it reads it has written itself, the same as the others, so
// that none waits for another.
template <int most>
__global__ void put_and_begin(const __grid_constant__ packet<most> from,
                              const sks_cuda_attention attention, const sks_cuda_step step) {
  write_all(from);
  sks_step_begin_row(attention, step, blockIdx.x);
}

template <int most>
cudaError_t launch(cudaStream_t stream, const sks_cuda_puts &puts,
                   const sks_cuda_attention *attention, const sks_cuda_step *step) {
  packet<most> from = packet_of<most>(puts);
  if (attention == nullptr) return sks_launch(put<most>, dim3(1), THREADS, 0, stream, false, from);
  dim3 rows(static_cast<unsigned>(step->row_count));
  return sks_launch(put_and_begin<most>, rows, THREADS, 0, stream, false, from, *attention, *step);
}

// `attention` null: they are only written.
cudaError_t launch(cudaStream_t stream, const sks_cuda_puts &puts,
                   const sks_cuda_attention *attention, const sks_cuda_step *step) {
  bool few = puts.count == 0 || puts.ends[puts.count - 1] <= FEW_WORDS;
  return few ? launch<FEW_WORDS>(stream, puts, attention, step)
             : launch<SKS_CUDA_PUT_WORDS>(stream, puts, attention, step);
}

}  // namespace

bool sks_cuda_puts_add(sks_cuda_puts *puts, void *to, const void *from, int64_t bytes) {
  int32_t used = puts->count > 0 ? puts->ends[puts->count - 1] : 0;
  int64_t room = (SKS_CUDA_PUT_WORDS - used) * static_cast<int64_t>(sizeof *puts->words);
  if (puts->count == SKS_CUDA_MOST_PUTS || bytes > room || bytes % 4 != 0 ||
      reinterpret_cast<uintptr_t>(to) % 4 != 0)
    return false;
  std::memcpy(puts->words + used, from, static_cast<size_t>(bytes));
  puts->to[puts->count] = static_cast<uint32_t *>(to);
  puts->ends[puts->count++] = used + static_cast<int32_t>(bytes / 4);
  return true;
}

cudaError_t sks_cuda_put(cudaStream_t stream, const sks_cuda_puts *puts) {
  return puts->count == 0 ? cudaSuccess : launch(stream, *puts, nullptr, nullptr);
}

cudaError_t sks_cuda_put_and_begin(cudaStream_t stream, const sks_cuda_puts *puts,
                                   const sks_cuda_attention *attention, const sks_cuda_step *step) {
  return launch(stream, *puts, attention, step);
}
