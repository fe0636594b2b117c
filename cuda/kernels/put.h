/* Some bytes of the host's to the device with a launch itself: no copy to wait for, and the host's
 * memory is free again when the call returns. Several that come together go with one launch. */
#ifndef SINKSTREAM_CUDA_KERNELS_PUT_H
#define SINKSTREAM_CUDA_KERNELS_PUT_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#include "cuda/kernels/cache.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  SKS_CUDA_MOST_PUTS = 8,
  SKS_CUDA_PUT_WORDS = 768 /* most that fit in a launch's parameters, whatever the card */
};

/* Writes in the order in which they were added; all zeros: none. */
typedef struct sks_cuda_puts {
  int32_t count;
  int32_t ends[SKS_CUDA_MOST_PUTS]; /* of each, in `words` */
  uint32_t *to[SKS_CUDA_MOST_PUTS]; /* device memory */
  uint32_t words[SKS_CUDA_PUT_WORDS];
} sks_cuda_puts;

/* to [bytes], in device memory, = from, in host memory. False where it has to go another way: there
 * is no room, or it is no whole number of aligned words. */
bool sks_cuda_puts_add(sks_cuda_puts *puts, void *to, const void *from, int64_t bytes);

/* Writes them all. */
cudaError_t sks_cuda_put(cudaStream_t stream, const sks_cuda_puts *puts);

/* Writes them all, if any, then fills the step's tokens and phases, which sees them. No place that
 * it reads may be among them twice: its blocks write side by side. What follows it in the stream
 * without overlap sees what it filled. */
cudaError_t sks_cuda_put_and_begin(cudaStream_t stream, const sks_cuda_puts *puts,
                                   const sks_cuda_attention *attention, const sks_cuda_step *step);

#ifdef __cplusplus
}
#endif

#endif
