/* One value of a row. */
#ifndef SINKSTREAM_CUDA_KERNELS_PICK_H
#define SINKSTREAM_CUDA_KERNELS_PICK_H

#include <cuda_runtime_api.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* value[0] = x[index[0]]; all in device memory. */
cudaError_t sks_cuda_pick(cudaStream_t stream, const float *x, const int32_t *index, float *value);

#ifdef __cplusplus
}
#endif

#endif
