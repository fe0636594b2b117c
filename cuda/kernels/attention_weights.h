/* What attention weights values with: as sks_attention_weights (sinkstream/attention.h), with
 * device memory. For looking at a model, not for speed. */
#ifndef SINKSTREAM_CUDA_KERNELS_ATTENTION_WEIGHTS_H
#define SINKSTREAM_CUDA_KERNELS_ATTENTION_WEIGHTS_H

#include "cuda/kernels/attend.h"

#ifdef __cplusplus
extern "C" {
#endif

/* in->out [heads, keys] = the softmax of one row of the step, in the order of the stream; `keys` is
 * how many it sees, its own among them, whose rows must have been stored. */
cudaError_t sks_cuda_attention_weights(cudaStream_t stream, const sks_cuda_attention *attention,
                                       const sks_cuda_step *step, int32_t layer, int32_t row,
                                       const sks_cuda_attend_args *in);

#ifdef __cplusplus
}
#endif

#endif
