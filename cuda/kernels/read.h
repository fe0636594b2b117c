/* Reads memory once and does nothing else with it: what no kernel that must read as much can beat.
 */
#ifndef SINKSTREAM_CUDA_KERNELS_READ_H
#define SINKSTREAM_CUDA_KERNELS_READ_H

#include <cuda_runtime_api.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* sum[0] = the sum of the buffer's 64-bit words, the last one filled up with zeros. Any alignment.
 * sum in device memory. */
cudaError_t sks_cuda_read(cudaStream_t stream, const void *buffer, int64_t bytes, uint64_t *sum);

#ifdef __cplusplus
}
#endif

#endif
