#include <cstring>

#include "cuda/kernels/put.h"

namespace {

enum { THREADS = 128 };

template <int words>
struct payload {
  uint32_t word[words];
};

template <int words>
__global__ void put(uint32_t *to, int32_t count, payload<words> from) {
  for (int32_t i = threadIdx.x; i < count; i += THREADS) to[i] = from.word[i];
}

template <int words>
void launch(cudaStream_t stream, void *to, const void *from, int64_t bytes) {
  payload<words> copy;
  std::memcpy(&copy, from, static_cast<size_t>(bytes));
  put<words><<<1, THREADS, 0, stream>>>(static_cast<uint32_t *>(to),
                                        static_cast<int32_t>(bytes / 4), copy);
}

}  // namespace

cudaError_t sks_cuda_put(cudaStream_t stream, void *to, const void *from, int64_t bytes) {
  if (bytes == 0) return cudaSuccess;
  if (bytes <= 128)
    launch<32>(stream, to, from, bytes);
  else
    launch<SKS_CUDA_MOST_PUT / 4>(stream, to, from, bytes);
  return cudaGetLastError();
}
