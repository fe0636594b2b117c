/* Where kernels come to lie. */
#ifndef SINKSTREAM_CUDA_KERNELS_LOADING_H
#define SINKSTREAM_CUDA_KERNELS_LOADING_H

#ifdef __cplusplus
extern "C" {
#endif

/* Loads the kernels that a token runs most, one behind the other, onto the current device. CUDA
 * loads each as it is first used: they can then come to lie where they push each other out of a
 * processor's cache of instructions, which took 4 % of a token's time with Q4_0. Drivers before
 * 12.4, which cannot be told to, go on like that. */
void sks_cuda_load_kernels(void);

/* Any kernel of the file, which stands for all of them. */
const void *sks_cuda_linear_kernel(void);
const void *sks_cuda_attend_few_kernel(void);

#ifdef __cplusplus
}
#endif

#endif
