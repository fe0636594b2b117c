/* Some bytes of the host's to the device with the launch itself: no copy to wait for, and the
 * host's memory is free again when the call returns. */
#ifndef SINKSTREAM_CUDA_KERNELS_PUT_H
#define SINKSTREAM_CUDA_KERNELS_PUT_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Most bytes that fit in a launch's parameters, whatever the card. */
enum { SKS_CUDA_MOST_PUT = 3072 };

/* Whether so many bytes can go there this way. */
static inline bool sks_cuda_can_put(const void *to, int64_t bytes) {
  return bytes <= SKS_CUDA_MOST_PUT && bytes % 4 == 0 && (uintptr_t)to % 4 == 0;
}

/* to [bytes], in device memory, = from, in host memory. */
cudaError_t sks_cuda_put(cudaStream_t stream, void *to, const void *from, int64_t bytes);

#ifdef __cplusplus
}
#endif

#endif
